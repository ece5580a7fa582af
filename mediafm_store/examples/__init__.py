"""Examples that a search may start from: shots, titles, segments, clips, images, sounds."""
