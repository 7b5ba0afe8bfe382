"""What the pages of publishing show, by noun. Reads only."""
