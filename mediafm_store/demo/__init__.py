"""The sample films, and everything that the toolkit does with them."""

__all__ = ["run"]
