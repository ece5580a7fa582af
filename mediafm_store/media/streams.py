"""Kinds of streams in a file, by its content."""

from pathlib import Path
from typing import Any, NamedTuple

import av

from mediafm_store.media.decode import is_cover, open_media

_STILL = frozenset({"avif", "heic", "heix", "heim", "heis", "mif1"})
"""Brands of pictures that come in the container of MP4."""
_TEXT_ART = frozenset({"adf", "bin", "idf", "tty", "xbin"})
"""FFmpeg plays a text file as a film of a terminal."""


class Streams(NamedTuple):
    """Visible and audible streams of a file; a cover picture is not counted."""

    moving: bool
    still: bool
    sound: bool


def streams_of(path: Path) -> Streams:
    """Kinds of streams in a file; decodes nothing.

    Raises:
        InvalidMedia: If it is not media.
    """
    with open_media(path) as container:
        pictures = [s for s in container.streams.video if not is_cover(s)]
        if container.format.name in _TEXT_ART:
            pictures = []
        still = bool(pictures) and _is_still(container, pictures)
        return Streams(bool(pictures) and not still, still, bool(container.streams.audio))


def _is_still(container: av.container.InputContainer, pictures: list[av.VideoStream]) -> bool:
    """True if a file is a picture that FFmpeg takes for a film of one frame."""
    name = container.format.name
    if name == "gif":
        return pictures[0].frames == 1
    brand = container.metadata.get("major_brand", "")
    return name == "image2" or name.endswith("_pipe") or brand in _STILL


def only(*streams: Any) -> None:
    """Let FFmpeg skip all other streams, which saves most of the reading where it can seek."""
    kept = {stream.index for stream in streams}
    for other in streams[0].container.streams:
        if other.index not in kept:
            other.discard = av.stream.Discard.all
