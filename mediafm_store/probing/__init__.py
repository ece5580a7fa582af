"""Light classifiers of vectors: fitted, saved, applied."""

__all__ = ["dataset", "fit", "options", "predict", "refit", "registry"]
