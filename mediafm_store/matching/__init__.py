"""Scores of shots for a query, and the probability of such a score by chance."""

__all__ = ["matcher", "null_distribution", "scorer", "vector_matchers"]
