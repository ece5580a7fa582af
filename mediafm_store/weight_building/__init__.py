"""Builds the weights that ship with the package from pinned packages."""
