"""Shots: where a film is cut, and what each one looks like."""

__all__ = [
    "detectors",
    "levels",
    "looks",
    "picture",
    "shot_flags",
    "shot_list",
    "shots",
    "transnetv2",
]
