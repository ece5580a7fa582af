"""Pages to look at: one HTML file each, with its pictures and styles inside."""

__all__ = [
    "evaluation_page",
    "form",
    "links",
    "map_page",
    "notebook",
    "pages",
    "rendering",
    "search_page",
    "timecode",
    "title_page",
    "views",
]
