"""Ads, as a file lists them: CSV, Parquet, or one JSON object a line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput
from mediafm_store.text_files.csv_text import SUFFIXES as CSV
from mediafm_store.text_files.json_text import read_json_lines
from mediafm_store.text_files.lists import PARQUET, read_list, several


@dataclass(frozen=True, slots=True)
class Ad:
    """An ad, described by a text, by tags or by its video, or by several of them."""

    id: str
    name: str = ""
    """Display name."""
    text: str = ""
    """Description of the ad."""
    tags: tuple[str, ...] = ()
    video: str | Path | None = None
    duration_s: float | None = None
    avoid: tuple[str, ...] = ()
    """Words that may not be said, seen or heard around a break that it runs in."""


def read_ads(path: str | Path) -> list[Ad]:
    """Read the ads of a file, in its order.

    A row has an `id` and at least one of `text`, `tags` and `video`; `name`, `duration_s` and
    `avoid` are optional. In CSV, `;` separates tags.

    Args:
        path: A .csv, .tsv or .parquet file, else JSON lines. Paths of videos are relative to its
            folder.

    Raises:
        InvalidInput: A row is malformed; the message names the line.
    """
    path = Path(path)
    ads: dict[str, Ad] = {}
    for number, row in _ad_rows(path):
        where = f"{path}, line {number}"
        ad = _read_ad(row, where, path.parent)
        if ad.id in ads:
            raise InvalidInput(f"{where}: the ad {ad.id!r} was listed before; give each its own id")
        ads[ad.id] = ad
    if not ads:
        raise InvalidInput(f"{path} lists no ad; give one JSON object a line")
    return list(ads.values())


def _ad_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of the list, with the numbers of their lines."""
    suffix = path.suffix.lower()
    if suffix in CSV:
        for number, row in read_list(path, "ads", _EXAMPLE):
            yield number, {name: _of_text(name, cell) for name, cell in row.items()}
    elif suffix == PARQUET:
        yield from read_list(path, "ads", _EXAMPLE)
    else:
        yield from read_json_lines(path, _EXAMPLE)


def _of_text(name: str, cell: str) -> object:
    """A cell of CSV as a field wants it; one that is wrong stays a text."""
    if name in {"tags", "avoid"}:
        return [one.strip() if isinstance(one, str) else one for one in several(cell)]
    with suppress(ValueError):
        return float(cell) if name == "duration_s" else cell
    return cell


def _read_ad(row: Mapping[str, Any], where: str, folder: Path) -> Ad:
    """Parse an ad from a row; `where` names it in errors."""
    if unknown := sorted(row.keys() - _FIELDS.keys()):
        raise InvalidInput(f"{where}: it has {unknown[0]!r}; an ad has {', '.join(_FIELDS)}")
    if not row.get("id"):
        raise InvalidInput(f"{where}: it has no id; an ad is as {_EXAMPLE}")
    ad = Ad(**dict(_fields(row, where)))
    if not (ad.text or ad.tags or ad.video):
        raise InvalidInput(
            f"{where}: the ad {ad.id!r} has neither text, tags nor video to rank it by"
        )
    if ad.video is None:
        return ad
    video = folder / ad.video
    if not video.is_file():
        raise InvalidInput(f"{where}: there is no video {video}; paths are relative to the list")
    return Ad(ad.id, ad.name, ad.text, ad.tags, video, ad.duration_s, ad.avoid)


_EXAMPLE = '{"id": "a1", "text": "A weekend in the mountains"}'


def _fields(row: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    """The values of an ad, each checked."""
    for name, value in row.items():
        is_right, made, what = _FIELDS[name]
        if not is_right(value):
            raise InvalidInput(f"{where}: {name} is {what}, not {value!r:.60}")
        yield name, made(value)


def _is_text(value: object) -> bool:
    """Text that says something."""
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: object) -> bool:
    """A list of such."""
    return isinstance(value, list) and all(map(_is_text, value))


def _is_length(value: object) -> bool:
    """Seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and value > 0


_Field = tuple[Callable[[object], bool], Callable[[Any], Any], str]
_FIELDS: dict[str, _Field] = {
    "id": (_is_text, str, "a text"),
    "name": (lambda value: isinstance(value, str), str, "a text"),
    "text": (_is_text, str, "a text"),
    "tags": (_are_texts, tuple, "a list of texts"),
    "video": (_is_text, Path, "a path"),
    "duration_s": (_is_length, float, "seconds, more than 0"),
    "avoid": (_are_texts, tuple, "a list of words"),
}
"""Accepted types of a value, its conversion, and the words for messages."""
