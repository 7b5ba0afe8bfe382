"""Lists of records people send to be checked: what is wrong in each row, and what is there already."""
