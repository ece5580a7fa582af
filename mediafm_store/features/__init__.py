"""Everything that one pass over a film measures and encodes."""

__all__ = ["extract", "fusion", "looks", "streams"]
