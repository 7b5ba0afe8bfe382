"""The rig that tries to break the promises of the log and of publishing: `python -m bench.chaos [--quick]`."""
