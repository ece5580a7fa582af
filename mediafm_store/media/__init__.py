"""Video, sound and time, as FFmpeg gives them."""
