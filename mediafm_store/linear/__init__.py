"""Light classifiers on arrays: fitted, cross-validated, measured."""

__all__ = ["linear_model", "measures", "ridge", "tfidf"]
