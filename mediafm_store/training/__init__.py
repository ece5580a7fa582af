"""Masked shot modelling on the titles of a store."""

__all__ = ["checkpoints", "masking", "run", "train", "validation"]
