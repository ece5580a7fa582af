"""Similarity search over the store."""
