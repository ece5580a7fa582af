"""Kind of a query file by its content: image, audio or clip."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mediafm_store.errors import InvalidInput, InvalidMedia
from mediafm_store.media.paths import check_file

if TYPE_CHECKING:
    from mediafm_store.media.streams import Streams

Kind = Literal["visual", "audio", "clip"]
FORMATS = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD"),
    *("QOI", "SGI", "TIFF", "WEBP"),
)
"""Pillow's names of pictures. Not those it takes for one on a mere guess, nor programs (PostScript)
and films."""


def kind_of(path: Path) -> Kind:
    """Kind of a query file: images that Pillow opens, clips (with moving pictures), or sounds.

    An animated image that Pillow opens counts as an image.

    Raises:
        InvalidMedia: The file is not a media file.
        InvalidInput: The file has nothing to see or to hear.
    """
    check_file(path)
    if _is_picture(path):
        return "visual"
    streams = streams_in(path)
    if streams.moving:
        return "clip"
    if streams.sound:
        return "audio"
    if streams.still:
        raise _unknown_picture(path)
    raise InvalidInput(f"{path} has nothing to see or to hear; give a video, a picture or a sound")


def require(path: Path, kind: Kind) -> None:
    """Raise InvalidInput, which names the option to use, for a file of another kind."""
    check_file(path)
    {"visual": _require_picture, "audio": _require_sound, "clip": _require_clip}[kind](path)


def _require_picture(path: Path) -> None:
    """See `require`."""
    try:
        kind = kind_of(path)
    except InvalidMedia as error:
        raise _unknown_picture(path) from error
    if kind == "clip":
        raise InvalidInput(f"{path} is a video, not a picture; search by it with --clip")
    if kind == "audio":
        raise InvalidInput(f"{path} is a sound, not a picture; search by it with --sound")


def _require_sound(path: Path) -> None:
    """See `require`. A film has a sound, too."""
    streams = streams_in(path)
    if streams.sound:
        return
    if streams.still:
        raise InvalidInput(f"{path} is a picture, not a sound; search by it with --picture")
    cure = "search by it with --clip" if streams.moving else "give a sound, or a film with some"
    raise InvalidInput(f"{path} has no sound; {cure}")


def _require_clip(path: Path) -> None:
    """See `require`. A GIF of several frames is a clip, too; the cover of a sound is none."""
    streams = streams_in(path)
    if streams.moving:
        return
    if streams.still:
        raise InvalidInput(f"{path} is a picture, not a video; search by it with --picture")
    if streams.sound:
        raise InvalidInput(f"{path} is a sound without a video; search by it with --sound")
    raise InvalidInput(f"{path} has no moving pictures; give a video")


# What opens files takes a while to import, which other queries need not wait for.


def streams_in(path: Path) -> "Streams":
    """Streams of a file, including images that FFmpeg does not read."""
    from mediafm_store.media.streams import Streams, streams_of

    try:
        return streams_of(path)
    except InvalidMedia:
        if _is_picture(path):
            return Streams(moving=False, still=True, sound=False)
        raise


def _is_picture(path: Path) -> bool:
    """True if Pillow takes a file for an image, by its first bytes."""
    from PIL import Image

    Image.init()  # finds all formats that this version knows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=[f for f in FORMATS if f in Image.OPEN]):
                return True
    except Image.DecompressionBombError:
        return True  # too large a one; reported when it is read
    except (OSError, ValueError):
        return False


def _unknown_picture(path: Path) -> InvalidInput:
    """The error for a picture that Pillow does not know."""
    return InvalidInput(f"{path} cannot be read as a picture; save it as JPEG or PNG")
