"""Charts, matrices and sheets of small pictures, worked out for pages to draw."""

__all__ = ["charts", "confusion", "matrix", "measures", "sprites"]
