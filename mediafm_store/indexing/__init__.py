"""Indexes of the vectors of a space: built, refreshed, and asked for the nearest."""

__all__ = [
    "build",
    "config",
    "directories",
    "edited",
    "known",
    "nearest",
    "reading",
    "shard_plan",
    "space_index",
    "status",
]
