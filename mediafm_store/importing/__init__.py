"""Titles whose vectors were made elsewhere."""
