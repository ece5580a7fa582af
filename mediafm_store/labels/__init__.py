"""Labels that people give to titles, shots and scenes."""
