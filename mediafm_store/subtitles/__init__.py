"""Subtitles, beside a film or inside it, as cues."""

__all__ = ["language", "parse", "tracks"]
