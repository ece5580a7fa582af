"""Segments of films cut out as files, exact to the frame."""

__all__ = ["clip", "cut", "write"]
