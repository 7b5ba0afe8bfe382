"""A made-up stream of messages for whoever builds a receiver, and a verdict on what the receiver made of it."""
