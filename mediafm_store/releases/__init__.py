"""Versions of spaces: the gates that they pass, and which one is live."""

__all__ = ["spaces"]
