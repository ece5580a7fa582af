"""Video, sound and time, as FFmpeg gives them."""

__all__ = [
    "clock",
    "decode",
    "footage",
    "hdr",
    "parts",
    "paths",
    "scale",
    "sound",
    "streams",
    "timecode",
    "video",
]
