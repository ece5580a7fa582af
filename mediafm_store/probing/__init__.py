"""Light classifiers of vectors: fitted, saved, applied."""

__all__ = ["dataset", "figures", "fit", "options", "predict", "refit", "registry"]
