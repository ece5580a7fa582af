"""Measurements that the documentation shows, each one command: `python -m benchmarks.shots`."""
