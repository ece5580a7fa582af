"""Similarity search over the store."""

__all__ = ["hit", "query", "search"]
