"""All work that waits for people as one queue: what it is, whose it is, until when, and what was said about it."""
