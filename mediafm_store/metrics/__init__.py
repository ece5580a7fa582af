"""How good ranked lists are, and how sure that is."""

__all__ = ["intervals", "retrieval"]
