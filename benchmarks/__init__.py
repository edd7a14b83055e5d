"""Benchmarks: each module prints one table of the figures chatlog must reach, its peers measured in the same run."""
