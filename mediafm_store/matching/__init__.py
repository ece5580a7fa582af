"""Scores of shots for a query, and the probability of such a score by chance."""
