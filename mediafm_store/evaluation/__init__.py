"""Quality of a store's model and searches by its own labels, and its history."""

__all__ = ["comparison", "history", "model", "search", "training_curves"]
