"""What a search is given as an example: shots, titles, stretches, clips, pictures, sounds."""
