"""The videos of a folder, what lies beside them, and the ids they get."""

__all__ = ["beside", "change_detection", "ids", "videos"]
