"""The pages of a store for a browser on this machine: search, titles, films that play."""

__all__ = ["run"]
