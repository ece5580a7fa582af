"""Examples that a search may start from: shots, titles, segments, clips, images, sounds."""

__all__ = ["clip_locator", "example", "file_examples", "file_kinds", "resolver"]
