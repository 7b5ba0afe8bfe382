"""How the shipped default weights come about: synthetic records of our own making, and what is learnt from them."""
