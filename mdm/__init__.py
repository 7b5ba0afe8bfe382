"""The core of Assay: what master data is. No HTTP pages, no scoring."""
