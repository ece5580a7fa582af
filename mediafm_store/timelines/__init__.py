"""Segments of titles as files for editors and players."""

__all__ = ["escaping", "segment", "webvtt", "writers"]
