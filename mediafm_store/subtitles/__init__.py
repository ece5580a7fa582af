"""Subtitles, beside a film or inside it, as cues."""
