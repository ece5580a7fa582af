"""Scenes of a title, and what belongs to the scene of a shot."""
