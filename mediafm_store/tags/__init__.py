"""Tags of titles, by probes, by neighbours or by name, and their review."""

__all__ = ["apply", "review", "tag"]
