"""Scores of several parts on one scale, and runs of shots laid along each other."""

__all__ = ["alignment", "sampling", "scale"]
