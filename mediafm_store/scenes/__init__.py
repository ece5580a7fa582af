"""Scenes of a title, and what belongs to the scene of a shot."""

__all__ = ["own_scene", "scenes"]
