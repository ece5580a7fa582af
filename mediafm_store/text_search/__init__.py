"""Text queries: their meaning, and scores of shots for them."""

__all__ = ["captions", "text_matching"]
