"""Searches judged by people's labels."""

__all__ = ["judged", "labels", "outcomes"]
