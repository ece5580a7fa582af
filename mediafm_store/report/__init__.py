"""Pages to look at: one HTML file each, with its pictures and styles inside."""

from mediafm_store.report.pages import SearchView, write_catalogue_page, write_search_page
from mediafm_store.report.timecode import timecode

__all__ = ["SearchView", "timecode", "write_catalogue_page", "write_search_page"]
