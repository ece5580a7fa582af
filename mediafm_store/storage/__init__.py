"""The store: titles, shots, words and vectors, read and written as a whole."""

__all__ = ["counts", "evaluations", "maintenance", "rows", "snapshot", "storage", "views"]
