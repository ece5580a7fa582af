"""Many small pictures in a few large ones, so that pages of thousands of shots stay light."""

import io
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from mediafm_store.shots.picture import decode_stored
from mediafm_store.storage.storage import Storage

COLUMNS, ROWS = 12, 12
"""Pictures of a sheet: a browser decodes a sheet when it shows the first of them."""
_BACKGROUND = (23, 25, 28)
"""Around pictures that are not 16:9, as `--frame` of the styles."""
_QUALITY = 72


class Small(NamedTuple):
    """Position of a small picture: the CSS class of its sheet, and its place there."""

    sheet: str
    style: str


@dataclass(frozen=True)
class Sprites:
    """Small pictures by shot."""

    places: Mapping[str, Small] = field(default_factory=dict)
    sheets: Mapping[str, str] = field(default_factory=dict)
    """The address of each sheet, by CSS class."""


def sprites(store: Storage, shots: Iterable[str], *, width: int = 160) -> Sprites:
    """The pictures of shots at a small size, 16:9, in sheets as data URIs; those that exist."""
    places: dict[str, Small] = {}
    sheets: dict[str, str] = {}
    size = (width, width * 9 // 16)
    wanted = list(dict.fromkeys(shots))
    for first in range(0, len(wanted), COLUMNS * ROWS):
        found = store.thumbnails(wanted[first : first + COLUMNS * ROWS])
        if not found:
            continue
        name, rows = f"m{len(sheets)}", -(-len(found) // COLUMNS)
        sheets[name] = data_uri(_sheet(list(found.values()), size))
        places |= {shot: Small(name, _sprite_style(i, rows)) for i, shot in enumerate(found)}
    return Sprites(places, sheets)


def _sprite_style(i: int, rows: int) -> str:
    """CSS that shows picture `i` of a sheet with this many rows, at any size."""
    across = 100 * (i % COLUMNS) / (COLUMNS - 1)
    down = 100 * (i // COLUMNS) / (rows - 1) if rows > 1 else 0
    return f"background-position:{across:.4g}% {down:.4g}%;background-size:{COLUMNS}00% {rows}00%"


def _sheet(jpegs: Sequence[bytes], size: tuple[int, int]) -> bytes:
    """A JPEG file of pictures side by side, each fitted into `size` (width, height)."""
    width, height = size
    paper = Image.new("RGB", (COLUMNS * width, -(-len(jpegs) // COLUMNS) * height), _BACKGROUND)
    for i, jpeg in enumerate(jpegs):
        picture = decode_stored(jpeg, size) or Image.new("RGB", size, _BACKGROUND)
        left = i % COLUMNS * width + (width - picture.width) // 2
        top = i // COLUMNS * height + (height - picture.height) // 2
        paper.paste(picture, (left, top))
    out = io.BytesIO()
    paper.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def data_uri(data: bytes, kind: str = "image/jpeg") -> str:
    """A file inside a page."""
    return f"data:{kind};base64,{b64encode(data).decode()}"
