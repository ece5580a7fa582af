"""The contextual model, and how its vectors are judged."""

__all__ = [
    "checkpoint",
    "metadata",
    "same_scene",
    "scene_metrics",
    "segmentation",
    "sequences",
    "smoothing",
    "transformer",
    "whitening",
    "windows",
]
