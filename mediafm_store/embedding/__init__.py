"""Contextual vectors of shots and titles, by the trained model."""

__all__ = ["embed"]
