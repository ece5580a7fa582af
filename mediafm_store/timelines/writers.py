"""Write segments in the form that a file's name asks for. Formats are plug-ins."""

from collections.abc import Sequence
from pathlib import Path

from mediafm_store import plugins
from mediafm_store.errors import InvalidInput
from mediafm_store.files import write_text
from mediafm_store.timelines.segment import Rate, Segment, TimelineWriter

_FIRST = (".edl", ".otio", ".fcpxml", ".csv", ".json", ".vtt")
"""Formats of this package, in the order in which they are listed: for programs, tables, players."""


def formats() -> tuple[str, ...]:
    """Suffixes of all installed formats; those of this package come first."""
    installed = [f".{name}" for name in plugins.names("timelines")]
    own = [suffix for suffix in _FIRST if suffix in installed]
    return (*own, *(suffix for suffix in installed if suffix not in own))


def write_timeline(
    path: str | Path,
    segments: Sequence[Segment],
    *,
    file_format: str | None = None,
    fps: Rate = None,
) -> None:
    """Write segments, one after the other, for editing programs, tables or players.

    Films of variable frame rate, and films that cannot be read, are logged.

    Args:
        path: File to write.
        segments: Segments in the order of the edit; at least one.
        file_format: Suffix such as `.edl`; default: that of `path`.
        fps: Frame rate of the edit, and of films that cannot be read; default: that of the first
            film.

    Raises:
        InvalidInput: If the format is unknown, there are no segments, the rate of a film is
            unknown, or `path` cannot be written.
        NotFound: If the plug-in of the format cannot be imported.
    """
    path = Path(path)
    suffix = check_format(path, file_format)
    if not segments:
        raise InvalidInput(f"nothing to write to {path}: there is no shot or segment")
    write_text(path, _text_of(suffix, segments, name=path.stem, fps=fps))


def _text_of(suffix: str, segments: Sequence[Segment], *, name: str, fps: Rate) -> str:
    """Text by the plug-in of a suffix; raise InvalidInput if that gives none."""
    plugin = suffix.removeprefix(".")
    writer: TimelineWriter = plugins.load("timelines", plugin)
    plugins.check_call(plugin, writer, segments, name=name, fps=fps)
    text = writer(segments, name=name, fps=fps)
    if not isinstance(text, str):
        raise InvalidInput(f"timeline plug-in {plugin!r} gives {type(text).__name__}, not text")
    return text


def check_format(path: Path, file_format: str | None = None) -> str:
    """Suffix that decides the format of a file.

    Raises:
        InvalidInput: If it is not one of `formats()`.
    """
    return suffix_of(path, file_format, known=formats())


def suffix_of(path: Path, file_format: str | None = None, *, known: Sequence[str]) -> str:
    """Suffix of a file, or of the given format.

    Raises:
        InvalidInput: If it is not one of `known`.

    Example:
        >>> suffix_of(Path("cut.edl"), known=[".edl", ".csv"])
        '.edl'
    """
    suffix = (file_format or path.suffix).lower()
    suffix = suffix if suffix.startswith(".") else f".{suffix}"
    if suffix not in known:
        raise InvalidInput(f"{path} cannot be written: its name must end in {', '.join(known)}")
    return suffix
