"""Titles whose vectors were made elsewhere."""

__all__ = ["files", "importer", "options"]
