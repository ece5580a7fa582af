"""Video, sound and time, as FFmpeg gives them."""

__all__ = [
    "clock",
    "decode",
    "footage",
    "hdr",
    "parts",
    "paths",
    "picture",
    "scale",
    "sound",
    "streams",
    "timecode",
    "video",
]
