"""Segments of titles as files for editors and players."""
