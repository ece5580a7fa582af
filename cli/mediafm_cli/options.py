"""Arguments and options that several commands share, each defined once."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.completion import complete_tasks, complete_titles

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage


def parse_time(text: str) -> float:
    """A time on the command line, in seconds: 190.5, 3:10.5 or 0:03:10.5."""
    from mediafm_store.examples.resolver import parse_clock

    return parse_clock(str(text))


def parse_break_length(text: str) -> float:
    """The length of an ad break, in seconds."""
    length = parse_time(text)
    if not 1 <= length <= _LONGEST_BREAK_S:
        raise typer.BadParameter(f"{text} is out of bounds; give 1 second to 1 hour")
    return length


def _parse_fps(text: str) -> float:
    """Frames a second, from `24000/1001` or a number."""
    try:
        fps = float(Fraction(str(text)))
    except (ValueError, ArithmeticError):
        fps = 0.0
    if not 1 <= fps <= _MOST_FPS:
        raise typer.BadParameter(f"{text} is no frame rate; give 1 to 1000, such as 24000/1001")
    return fps


_LONGEST_BREAK_S, _MOST_FPS = 3600.0, 1000.0


StorePath = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="MEDIAFM_STORE",
        help="Folder of the store, or an address as s3://bucket/store.",
        metavar="FOLDER",
    ),
]
DEFAULT_STORE = "mediafm-store"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit with status 1 if anything failed, not only if all did."),
]
Keyframes = Annotated[int, typer.Option(min=1, help="Pictures a shot; their vectors are averaged.")]
Count = Annotated[int, typer.Option("--k", "-k", min=1, help="How many to show.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only tell what would be deleted; delete nothing.")
]
Html = Annotated[Path | None, typer.Option(help="Write a page, with pictures.", metavar="FILE")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Folder of a checkpoint; default: the newest.", metavar="FOLDER"),
]
Title = Annotated[
    str,
    typer.Argument(help="A title, by id or name.", metavar="TITLE", autocompletion=complete_titles),
]
Titles = Annotated[
    list[str],
    typer.Argument(
        help="Titles, by id or name.", metavar="TITLE...", autocompletion=complete_titles
    ),
]
SomeTitles = Annotated[
    list[str] | None,
    typer.Argument(
        help="Titles, by id or name; default: all.",
        metavar="[TITLE]...",
        autocompletion=complete_titles,
    ),
]
Task = Annotated[
    str,
    typer.Argument(help="The task of labels.", metavar="TASK", autocompletion=complete_tasks),
]
EncoderNames = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        help="Encoder plug-in for one modality, such as hf=FOLDER, instead of the"
        " store's; may be repeated.",
    ),
]


def _known_formats(files: list[Path] | None) -> list[Path] | None:
    """Refuse a file of no known format before the work that is to fill it."""
    if files:
        from mediafm_store.timelines.writers import check_format

        for file in files:
            check_format(file)
    return files


Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        help="Write it for editing programs (.edl, .otio, .fcpxml), tables (.csv, .json) or"
        " players (.vtt, chapters); may be repeated.",
        metavar="FILE",
        callback=_known_formats,
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        "--fps",
        parser=_parse_fps,
        help="Frames a second of --out, as 24000/1001; default: those of the first film.",
        metavar="RATE",
    ),
]
Start = Annotated[
    float | None,
    typer.Option(
        "--from", parser=parse_time, help="Where a segment of the title begins.", metavar="TIME"
    ),
]
End = Annotated[
    float | None,
    typer.Option(
        "--to", parser=parse_time, help="Where it ends, as 0:03:40 or 220.", metavar="TIME"
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option(help="Where models and indexes run.")
]


def _known_engine(name: str) -> str:
    """The name of an engine; an unknown one is told before a store is made."""
    if name != "threads":
        from mediafm_store.engines import check_engine

        check_engine(name)
    return name


Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        callback=_known_engine,
        help="Where the work runs: threads, ray (processes on this machine), or a cluster at"
        " ray://HOST:PORT.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="How many titles are taken at once (shards by index); default: one by threads, by ray"
        " one for every two cores.",
    ),
]


def open_if_there(path: str) -> "Storage | None":
    """Open the store, if it has been made."""
    from mediafm_store.errors import NotFound

    try:
        return open_store(path)
    except NotFound:
        return None


def open_store(path: str, *, create: bool = False) -> "Storage":
    """Open the store; the library is imported here, so that help is quick."""
    from mediafm_store.storage.storage import Storage

    return Storage(path, create=create)
