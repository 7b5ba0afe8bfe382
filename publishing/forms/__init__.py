"""What people fill in: an endpoint, its selection, its mapping."""
