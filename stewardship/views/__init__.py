"""Pages of stewardship, one module per noun; each offers its addresses as ``urls``."""
