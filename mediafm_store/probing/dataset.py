"""The labelled items of a task, as targets."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from mediafm_store.errors import NotFound
from mediafm_store.labels.labels import FILE, NONE
from mediafm_store.linear.linear_model import Kind
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.sql import quoted

Level = Literal["titles", "clips"]


@dataclass(frozen=True)
class ProbeDataset:
    """Labelled items of a task and their targets."""

    task: str
    ids: list[str]
    titles: list[str]
    """Title of each item."""
    spans: list[tuple[float, float] | None]
    """Times of a segment in seconds; None for a title or a shot."""
    labels: list[str]
    targets: Float64[np.ndarray, "items labels"]
    """nan where nothing is known."""

    @property
    def level(self) -> Level:
        """Granularity of the labels: whole titles, or shots and segments."""
        return "titles" if self.ids == self.titles else "clips"

    @property
    def kind(self) -> Kind:
        """Tags, if there is nothing but 0 and 1."""
        known = self.targets[~np.isnan(self.targets)]
        return "tags" if np.isin(known, (0, 1)).all() else "grades"

    def only(self, rows: np.ndarray, labels: np.ndarray) -> "ProbeDataset":
        """Some items and labels."""
        return ProbeDataset(
            self.task,
            [self.ids[i] for i in rows],
            [self.titles[i] for i in rows],
            [self.spans[i] for i in rows],
            [self.labels[i] for i in labels],
            self.targets[np.ix_(rows, labels)],
        )


def items_of(store: Storage, task: str) -> ProbeDataset:
    """The items of a task that are of titles in the store; raise NotFound if there are none.

    An item that a file has labels of has no others; of what people were asked in review only the
    answers are known. NONE with 0 is no label beside others: it closes an item that has none.
    """
    rows = store.rows("labels", f"task = {quoted(task)}").sort("item", "label")
    if rows.is_empty():
        raise NotFound(
            f"no labels of task {task!r} for titles of {store.path}; bring some in with `mediafm"
            " labels import FILE`, `mediafm labels list` shows what there is"
        )
    items = rows.unique("item", keep="first", maintain_order=True)
    named = rows.filter((pl.col("label") != NONE) | (pl.col("value") != 0))
    named = rows if named["label"].is_in([NONE]).any() or named.is_empty() else named
    ids, labels = items["item"].to_list(), sorted(named["label"].unique())
    place = {item_id: i for i, item_id in enumerate(ids)}
    column = {label: i for i, label in enumerate(labels)}
    targets = np.full((len(ids), len(labels)), np.nan)
    closed = rows.filter(pl.col("source") == FILE)
    if rows["value"].is_in([0.0, 1.0]).all():
        targets[[place[item_id] for item_id in closed["item"].unique()]] = 0.0
    for item, label, value in named.select("item", "label", "value").iter_rows():
        targets[place[item], column[label]] = value
    spans = [_span_of(row) for row in items.to_dicts()]
    return ProbeDataset(task, ids, items["title"].to_list(), spans, labels, targets)


def _span_of(row: dict[str, Any]) -> tuple[float, float] | None:
    """Times of a segment in seconds."""
    return None if row["start_s"] is None else (row["start_s"], row["end_s"])


def groups_of(store: Storage, titles: list[str]) -> Int64[np.ndarray, " items"]:
    """Group number of each item: equal for all items of a title, and of titles of a series."""
    series = dict(store.titles().select("id", "series").iter_rows())
    names = [f"series {series[t]}" if series[t] else f"title {t}" for t in titles]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def texts_of(store: Storage, titles: list[str]) -> list[str]:
    """Name and synopsis of titles: what is known of new ones too, unlike genres and tags."""
    rows = {r["id"]: f"{r['name']}. {r['synopsis']}" for r in store.titles().to_dicts()}
    return [rows[title] for title in titles]
