"""Pages to look at: one HTML file each, with its pictures and styles inside."""
