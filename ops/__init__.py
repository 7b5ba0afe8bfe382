"""The launcher: everything Assay needs on a bare machine, started, watched and stopped by one command."""
