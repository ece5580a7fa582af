"""Write segments in the form that a file's name asks for."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from mediafm_store.errors import InvalidInput
from mediafm_store.files import write_text
from mediafm_store.timelines.csv_json import sheet_csv, sheet_json
from mediafm_store.timelines.edit import Edit, arrange
from mediafm_store.timelines.edl import edl
from mediafm_store.timelines.fcpxml import fcpxml
from mediafm_store.timelines.otio import otio
from mediafm_store.timelines.segment import Segment
from mediafm_store.timelines.webvtt import chapters

Rate = Fraction | float | None
_EDITS: dict[str, Callable[[Edit], str]] = {".edl": edl, ".otio": otio, ".fcpxml": fcpxml}
_LISTS: dict[str, Callable[[Sequence[Segment], Rate], str]] = {
    ".csv": sheet_csv,
    ".json": sheet_json,
    ".vtt": lambda segments, fps: chapters(segments),
}
FORMATS = (*_EDITS, *_LISTS)


def write_timeline(
    path: str | Path,
    segments: Sequence[Segment],
    *,
    format: str | None = None,
    fps: Fraction | float | None = None,
) -> None:
    """Write segments, one after the other, for editing programs, tables or players.

    `format` is a suffix such as `.edl`, by default the path's; `fps` the rate of the edit (default:
    that of the first film) and of films that cannot be read. Films of variable frame rate, and
    those that cannot be read, are logged. Raises InvalidInput for an unknown format, for no
    segments, for a film whose rate nothing tells, or if `path` cannot be written.
    """
    path = Path(path)
    suffix = check_format(path, format)
    if not segments:
        raise InvalidInput(f"nothing to write to {path}: there is no shot or segment")
    if suffix in _LISTS:
        text = _LISTS[suffix](segments, fps)
    else:
        text = _EDITS[suffix](arrange(segments, name=path.stem, fps=fps))
    write_text(path, text)


def check_format(path: Path, format: str | None = None) -> str:
    """The suffix that says how a file is written; raise InvalidInput if it is none of them."""
    return suffix_of(path, format, known=FORMATS)


def suffix_of(path: Path, format: str | None = None, *, known: Sequence[str]) -> str:
    """The suffix of a file, or the format that is named; raise InvalidInput if it is not known."""
    suffix = (format or path.suffix).lower()
    suffix = suffix if suffix.startswith(".") else f".{suffix}"
    if suffix not in known:
        raise InvalidInput(f"{path} cannot be written: its name must end in {', '.join(known)}")
    return suffix
