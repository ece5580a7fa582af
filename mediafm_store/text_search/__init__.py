"""Text queries: their meaning, and scores of shots for them."""
