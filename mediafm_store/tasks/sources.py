"""Find titles on disk: videos, with the subtitles and metadata that lie beside them."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mediafm_store.errors import BadInput
from mediafm_store.media.subtitles import SUFFIXES as SUBTITLE_SUFFIXES
from mediafm_store.records import Title

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)
"""What is taken from a folder; a file that is named itself is tried whatever it is called."""
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


def find_videos(paths: Iterable[Path]) -> list[Path]:
    """The files named, and the videos in the folders named, below them too, in order.

    Links keep their own names: what lies beside a link belongs to it.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path} does not exist")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        videos = [p for p in inside if p == path or is_video(p)]
        if not videos:
            raise BadInput(f"no video in {path} (looked for {' '.join(VIDEO_SUFFIXES)})")
        found.update(dict.fromkeys(Path(os.path.abspath(v)) for v in videos))
    return list(found)


def is_video(path: Path) -> bool:
    """Whether a file in a folder is taken for a video."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file() and not hidden


def title_id(media: Path) -> str:
    """An id from a file's name: letters, digits, `_`, `-` and `.`, so `My Film.mp4` is my_film."""
    return re.sub(r"[^\w.-]+", "_", media.stem.casefold()).strip("._-") or "untitled"


def read_title(media: Path, id: str | None = None) -> Title:
    """A title with what lies beside its file; raise BadInput if the metadata is malformed."""
    source = metadata_file(media)
    facts = read_metadata(source) if source else {}
    return Title(
        id=id or title_id(media),
        media=media,
        subtitles=subtitle_file(media),
        name=facts.get("title", media.stem),
        synopsis=facts.get("synopsis", ""),
        tags=tuple(facts.get("tags", ())),
        genres=tuple(facts.get("genres", ())),
    )


def subtitle_file(media: Path) -> Path | None:
    """`film.srt` or `film.vtt`, else `film.en.srt`, else any other language."""

    def rank(path: Path) -> tuple[bool, bool, str, int] | None:
        middle = path.name[len(media.stem) : -len(path.suffix)].lstrip(".")
        if middle and not LANGUAGE.fullmatch(middle):
            return None
        order = SUBTITLE_SUFFIXES.index(path.suffix.lower())
        return (middle != "", not middle.lower().startswith("en"), middle, order)

    beside = [
        path
        for path in media.parent.iterdir()
        if path.name.startswith(f"{media.stem}.") and path.suffix.lower() in SUBTITLE_SUFFIXES
    ]
    ranked = sorted((r, path) for path in beside if (r := rank(path)) is not None)
    return ranked[0][1] if ranked else None


def metadata_file(media: Path) -> Path | None:
    """`film.json` beside `film.mp4`, or a `metadata.json` there whose `file` is `film.mp4`."""
    own, common = media.with_suffix(".json"), media.with_name("metadata.json")
    if own.is_file():
        return own
    try:
        ours = common.is_file() and read_json(common).get("file") == media.name
    except BadInput:
        return None  # of some other program, as many folders have one
    return common if ours else None


def read_metadata(path: Path) -> dict[str, Any]:
    """The keys title, synopsis, tags and genres of a metadata file, checked."""
    facts = {k: v for k, v in read_json(path).items() if v is not None}
    for key in ("title", "synopsis"):
        if not isinstance(facts.get(key, ""), str):
            raise BadInput(f"{path}: {key} must be a string, is {json.dumps(facts[key])[:60]}")
    for key in ("tags", "genres"):
        values = facts.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise BadInput(f"{path}: {key} must be a list of strings, is {json.dumps(values)[:60]}")
    return facts


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path} must hold a JSON object with title, synopsis, tags, genres")
    return value


def source_hash(title: Title, made_by: Sequence[str]) -> str:
    """Of everything that a title's rows are computed from: its files' content and `made_by`."""
    facts = (title.name, title.synopsis, title.genres, title.tags, *sorted(made_by))
    digest = hashlib.sha256(repr(facts).encode())
    for path in (title.media, title.subtitles):
        if path is not None:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
