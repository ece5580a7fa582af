"""Find titles on disk: videos, with the subtitles and metadata that lie beside them."""

import json
import os
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput
from mediafm_store.media.decode import Warn, log_warning
from mediafm_store.media.paths import check_file
from mediafm_store.records import Title
from mediafm_store.sources.beside import VIDEO_SUFFIXES, with_suffix
from mediafm_store.sources.folders import files_below
from mediafm_store.sources.ids import id_of
from mediafm_store.sources.subtitles import choose_subtitles
from mediafm_store.text_files import json_text


def find_videos(paths: Iterable[Path], warn: Warn = log_warning) -> list[Path]:
    """Find videos: the files given, and all videos in the folders given and below, in order.

    Symbolic links keep their own names: files beside a link belong to it.

    Args:
        paths: Files and folders.
        warn: Called for links that lead nowhere.

    Raises:
        InvalidInput: If a path does not exist or has no video.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"{path} does not exist")
        if not path.is_dir():
            check_file(path)
        inside = files_below(path, warn) if path.is_dir() else [path]
        videos = [p for p in inside if p == path or _is_video(p)]
        if not videos:
            raise InvalidInput(f"no video in {path} (looked for {' '.join(VIDEO_SUFFIXES)})")
        found.update(dict.fromkeys(Path(os.path.abspath(v)) for v in videos))
    return list(found)


def _is_video(path: Path) -> bool:
    """True if a file in a folder is taken for a video."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file() and not hidden


def id_of_file(media: Path) -> str:
    """Title id by a file's name.

    Example:
        >>> id_of_file(Path("films/My Film.mp4"))
        'my_film'
    """
    return id_of(media.stem)


def read_title(
    media: Path,
    title_id: str | None = None,
    *,
    name: str | None = None,
    language: str | None = None,
    warn: Warn = log_warning,
) -> Title:
    """Read a title: its file, and the metadata and subtitles beside it.

    Args:
        media: Video file.
        title_id: Id of the title; default: by the file's name.
        name: Name if the metadata have none; default: the file's.
        language: Language of the subtitles to use; default: the first usual ones.
        warn: Called with the languages that there are, if `language` is not among them.

    Raises:
        InvalidInput: If the metadata are malformed.
    """
    title = named(title_id or id_of(media.stem), media, metadata_of(media), name=name or media.stem)
    subtitles = choose_subtitles(media, language, warn)
    if subtitles is None:
        return title
    return replace(
        title,
        subtitles=subtitles.path,
        subtitle_track=subtitles.track,
        language=subtitles.language,
    )


def named(title_id: str, media: Path, facts: Mapping[str, Any], *, name: str) -> Title:
    """Title as its metadata describe it; `name` is the name if they have none."""
    return Title(
        id=title_id,
        media=media,
        name=facts.get("title", name),
        synopsis=facts.get("synopsis", ""),
        tags=tuple(facts.get("tags", ())),
        genres=tuple(facts.get("genres", ())),
        series=facts.get("series", ""),
    )


def metadata_of(media: Path) -> dict[str, Any]:
    """Metadata beside a file, which need not exist itself; empty if there are none."""
    source = _metadata_file(media)
    return _read_metadata(source) if source else {}


def series_of(file: Path) -> list[str]:
    """Series and episode (`s02e01`) of a film, as far as its metadata have them."""
    try:
        facts = metadata_of(file)
    except InvalidInput:
        return []  # told when the film is read
    if not facts.get("series"):
        return []
    numbers = {letter: facts.get(key) for letter, key in (("s", "season"), ("e", "episode"))}
    place = "".join(f"{letter}{n:02}" for letter, n in numbers.items() if isinstance(n, int))
    return [facts["series"], place] if place else [facts["series"]]


def _metadata_file(media: Path) -> Path | None:
    """`film.json` beside `film.mp4`, or a `metadata.json` there whose `file` is `film.mp4`."""
    own, common = with_suffix(media, ".json"), media.with_name("metadata.json")
    if own.is_file():
        return own
    try:
        file = _read_json(common).get("file") if common.is_file() else None
    except InvalidInput:
        return None  # of some other program, as many folders have one
    is_ours = isinstance(file, str) and _normal(file) == _normal(media.name)
    return common if is_ours else None


def _normal(name: str) -> str:
    """A name with each letter and its marks as one character, as far as there is such."""
    return unicodedata.normalize("NFC", name)


def _read_metadata(path: Path) -> dict[str, Any]:
    """The keys title, synopsis, series, tags and genres of a metadata file, checked."""
    facts = {k: v for k, v in _read_json(path).items() if v is not None}
    for key in ("title", "synopsis", "series"):
        if not isinstance(facts.get(key, ""), str):
            raise InvalidInput(f"{path}: {key} must be a string, is {json.dumps(facts[key])[:60]}")
    for key in ("tags", "genres"):
        values = facts.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise InvalidInput(
                f"{path}: {key} must be a list of strings, is {json.dumps(values)[:60]}"
            )
    return facts


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        value = json_text.read_json(path)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{path} must hold a JSON object with title, synopsis, series, tags, genres"
        )
    return value
