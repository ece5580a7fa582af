"""What a search is given as an example: shots, titles, segments, clips, pictures, sounds."""
