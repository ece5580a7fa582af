"""A learned map from pictures to sentences, and the moments that it needs of pictures."""

__all__ = ["caption_map", "moments"]
