"""Bring labels of titles, shots and segments into the store, from a file or from people."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mediafm_store.errors import InvalidInput, MediaFMError, NotFound
from mediafm_store.examples.resolver import parse_clock
from mediafm_store.records import title_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.sql import one_of, quoted
from mediafm_store.text_files.lists import read_list, several
from mediafm_store.titles.naming import Names, find_titles

_COLUMNS = {"task", "title", "shot", "start", "end", "label", "labels", "value"}
NONE = ""
"""The label of a grade that needs no name, and, with 0, of an item that has none of the labels."""
_EXAMPLE = '{"title": "sintel", "label": "dark"}'
FILE, REVIEW = "file", "review"
"""Where labels come from."""
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}")
"""What may be meant as a thousand or as one: it is not guessed."""
_TOLD = 5
"""Lines that are named when some are wrong."""

Row = dict[str, Any]


class TaskLabels(NamedTuple):
    """Labels of one task in the store."""

    task: str
    items: int
    labels: int
    rows: int
    titles: int
    version: int
    """Version of the table, to read it as it was: `store.view("labels", version=...)`."""


def import_labels(store: Storage, file: str | Path, *, task: str | None = None) -> list[TaskLabels]:
    """Import the labels of a file, which replace earlier imported labels of its items.

    A row has `title`, `shot`, or `title`, `start` and `end`; `label` (or `labels`, several, or an
    empty list: none of the task's labels), or a `value`, or both. A value alone is a grade; a label
    without one has the value 1. All rows are checked before any is written.

    Args:
        store: The store that has the items.
        file: A .csv, .jsonl or .parquet file.
        task: Name of the task; None for the column `task`, else the file's name.

    Returns:
        Labels of each task after the import.

    Raises:
        InvalidInput: Rows are wrong; the message names the lines.
    """
    store.check_writable()
    file, known = Path(file), _LabelTargets(store)
    found: dict[tuple[str, str, str], Row] = {}
    wrong: list[tuple[int, str]] = []
    for line, raw in read_list(file, "labels", _EXAMPLE):
        try:
            for row in _table_rows(raw, task or file.stem, known):
                key = row["task"], row["item"], row["label"]
                if found.setdefault(key, row)["value"] != row["value"]:
                    raise InvalidInput(
                        f"{key[1]} has another value for {key[2]!r} in a line before"
                    )
        except MediaFMError as error:
            wrong.append((line, str(error)))
    if wrong:
        line, what = wrong[0]
        more = ", ".join(str(n) for n, _ in wrong[1:_TOLD])
        rest = "..." if len(wrong) > _TOLD else ""
        others = f" (also wrong: line {more}{rest})" if more else ""
        raise InvalidInput(f"{file}, line {line}: {what}{others}; nothing was imported")
    if not found:
        raise InvalidInput(f"{file} has no labels; it needs a line of column names and rows")
    tasks = {row["task"] for row in found.values()}
    for one in sorted(tasks):
        own = [row for row in found.values() if row["task"] == one]
        items = one_of("item", sorted({row["item"] for row in own}))
        before = f"task = {quoted(one)} AND source = {quoted(FILE)} AND {items}"
        add(store, own, source=FILE, instead_of=before)
    return [one for one in labelled(store) if one.task in tasks]


def remove_labels(
    store: Storage, task: str, titles: Collection[str] | None = None, *, dry_run: bool = False
) -> TaskLabels:
    """Delete the labels of a task, and people's feedback on its tags.

    The table can still be read as it was: see `TaskLabels`.

    Args:
        store: The store that has the labels.
        task: Name of the task.
        titles: Titles whose labels go; None for all.
        dry_run: Only report what would be deleted.

    Returns:
        Labels that are deleted, or would be.

    Raises:
        NotFound: There is no such label or title.
    """
    store.check_writable()
    own = f"task = {quoted(task)}"
    if titles is not None:
        own += f" AND {one_of('title', find_titles(store, titles))}"
    going = labelled(store, own)
    if not going:
        known = ", ".join(one.task for one in labelled(store)) or "none"
        of = "" if titles is None else " of these titles"
        raise NotFound(f"no labels of task {task!r}{of} in {store.path}; there are {known}")
    if not dry_run:
        store.delete("labels", own)
        store.delete("tags", f"{own} AND source = {quoted(REVIEW)}")
    return going[0]


def add(store: Storage, rows: Sequence[Row], *, source: str, instead_of: str | None = None) -> None:
    """Write checked labels; those that they replace are given by `instead_of`."""
    same = {"source": source, "added_at": datetime.now(UTC)}
    store.put("labels", [{**same, **row} for row in rows], instead_of=instead_of)


def labelled(store: Storage, where: str | None = None) -> list[TaskLabels]:
    """Labels of each task, by name; only those that meet the SQL condition `where`, if given."""
    version = table_version(store)
    tasks = (
        store.rows("labels", where)
        .group_by("task")
        .agg(
            pl.col("item").n_unique().alias("items"),
            pl.col("label").filter(pl.col("label") != NONE).n_unique().clip(1).alias("labels"),
            pl.len().alias("rows"),
            pl.col("title").n_unique().alias("titles"),
        )
    )
    return [TaskLabels(**row, version=version) for row in tasks.sort("task").to_dicts()]


def table_version(store: Storage) -> int:
    """Current version of the table of labels."""
    return int(store.versions("labels")["version"].to_list()[-1])


class _LabelTargets:
    """Titles, shots and scenes that labels may refer to, looked up once."""

    def __init__(self, store: Storage) -> None:
        titles = store.titles()
        self.length = dict(zip(titles["id"], titles["duration_s"], strict=True))
        self.names = Names(store)


def _table_rows(raw: Mapping[str, Any], task: str, known: _LabelTargets) -> Iterator[Row]:
    """One row of a file as rows of the table; raise InvalidInput for what is wrong with it."""
    if unknown := sorted(map(str, raw.keys() - _COLUMNS)):
        known_ones = ", ".join(sorted(_COLUMNS))
        raise InvalidInput(f"unknown column {unknown[0]!r}; there are {known_ones}")
    about = _item_of(raw, known)
    names = _labels_of(raw)
    has_none = names == []
    if names is None and "value" not in raw:
        raise InvalidInput("neither label nor value; what has no label has the labels []")
    value = _parse_number(raw.get("value", float(not has_none)))
    for name in names or [NONE]:
        yield {**about, "task": str(raw.get("task", task)), "label": name, "value": value}


def _item_of(raw: Mapping[str, Any], known: _LabelTargets) -> Row:
    """Item that a row labels: a shot, a segment of a title, or a title."""
    if "shot" in raw:
        shot = known.names.shot(str(raw["shot"]))
        title = title_of(shot)
        if "title" in raw and known.names.title(str(raw["title"])) != title:
            raise InvalidInput(f"shot {shot!r} is of {title!r}, not of {raw['title']!r}")
        return {"item": shot, "title": title, "start_s": None, "end_s": None}
    title = known.names.title(str(raw.get("title", "")))
    if not {"start", "end"} & raw.keys():
        return {"item": title, "title": title, "start_s": None, "end_s": None}
    start, end = (_moment(raw, name) for name in ("start", "end"))
    if not 0 <= start <= end <= known.length[title] + 1:
        raise InvalidInput(
            f"{start:g} to {end:g} s is no segment of {title!r}, which is"
            f" {known.length[title]:.1f} s long"
        )
    return {
        "item": f"{title}@{start:.10g}-{end:.10g}",
        "title": title,
        "start_s": start,
        "end_s": end,
    }


def _moment(raw: Mapping[str, Any], name: str) -> float:
    """Seconds, or a clock's time; without an end it is a moment."""
    given = raw.get(name, raw.get("start"))
    if given is None:
        raise InvalidInput("end without start")
    return parse_clock(given) if isinstance(given, str) else _parse_number(given)


def _labels_of(raw: Mapping[str, Any]) -> list[str] | None:
    """The names in `label` or `labels`; none in an empty list, None where there is neither."""
    given = raw.get("labels", raw.get("label"))
    if isinstance(given, str):
        given = several(given)
    if given is None:
        return None
    if not isinstance(given, Sequence):
        raise InvalidInput(f"{given!r} is no label; give a text")
    if not all(isinstance(name, str) for name in given):
        raise InvalidInput(f"{given!r} are no labels; give texts")
    return [name for name in (str(g).strip() for g in given) if name]


def _parse_number(given: object) -> float:
    """A finite number, with a point or a comma; also true and false, yes and no."""
    words = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
    text = str(given).strip().lower()
    if not _THOUSANDS.fullmatch(text):
        text = text.replace(",", ".")
    try:
        value = words[text] if text in words else float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InvalidInput(f"{given!r} is no number")
    return value
