"""Titles by what people call them; renamed and removed."""

__all__ = ["editing", "naming"]
