"""Labels that people give to titles, shots and scenes."""

__all__ = ["labels"]
