"""Light classifiers of vectors: fitted, saved, applied."""
