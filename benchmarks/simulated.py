"""A catalogue whose features were "computed elsewhere": what `mediafm import` takes, made up.

Each title is about one of TOPICS; its shots lie around the topic's vector in a space of RANK
dimensions, in scenes of SCENE shots. A tenth of the titles is labelled with its topic, but no fewer
than LABELLED.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TOPICS = ("Western", "Drama", "Comedy", "Horror", "Musical", "Nature", "Sport", "News")
RANK = 64
WIDTHS = {"visual": 1024, "audio": 768, "text": 512}
"""Numbers of a shot by modality: 2304 together."""
LABELLED = 10 * len(TOPICS)
SCENE = 5
SHOT_S = 4.0
PART = 250
"""Titles that are made and written at once."""


def make_catalogue(folder: Path, titles: int, *, shots: int) -> tuple[Path, Path]:
    """Write features, metadata beside them, and labels; where features and labels are."""
    folder.mkdir(parents=True)
    features, labels = folder / "catalogue.parquet", folder / "topic.csv"
    numbers = range(titles)
    with pq.ParquetWriter(features, schema(), compression="none") as writer:
        for start in range(0, titles, PART):
            writer.write_table(rows(numbers[start : start + PART], shots))
    for number in numbers:
        facts = json.dumps(metadata(number))
        (folder / f"{title_of(number)}.json").write_text(facts, encoding="utf-8")
    with labels.open("w", newline="", encoding="utf-8") as file:
        writer_of_rows = csv.writer(file)
        writer_of_rows.writerow(("title", "label"))
        writer_of_rows.writerows(
            (title_of(n), topic_of(n)) for n in numbers[: max(titles // 10, LABELLED)]
        )
    return features, labels


def schema() -> pa.Schema:
    """Rows are shots."""
    places = [("title", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64())]
    vectors = [(name, pa.list_(pa.float16(), width)) for name, width in WIDTHS.items()]
    return pa.schema([*places, ("words", pa.string()), *vectors])


def rows(numbers: range, shots: int) -> pa.Table:
    """The shots of some titles."""
    place = np.tile(np.arange(shots), len(numbers))
    columns = [
        pa.array([title_of(number) for number in numbers for _ in range(shots)]),
        pa.array(SHOT_S * place),
        pa.array(SHOT_S * place + SHOT_S),
        pa.array([f"line {i} of a title" if i % SCENE == 0 else "" for i in place]),
    ]
    for width in WIDTHS.values():
        made = np.concatenate(list(vectors(numbers, shots, width)))
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(made.reshape(-1)), width))
    return pa.Table.from_arrays(columns, schema=schema())


def vectors(numbers: range, shots: int, width: int) -> Iterator[np.ndarray]:
    """One modality of each title, float16 [shots, width]."""
    shared = np.random.default_rng(width)
    basis = shared.normal(size=(RANK, width)) / np.sqrt(RANK)
    topics = shared.normal(size=(len(TOPICS), RANK))
    for number in numbers:
        rng = np.random.default_rng((number, width))
        scenes = rng.normal(size=(shots, RANK))[np.arange(shots) // SCENE]
        about = topics[number % len(TOPICS)] + rng.normal(size=RANK) + scenes
        yield ((about + 0.5 * rng.normal(size=(shots, RANK))) @ basis).astype(np.float16)


def metadata(number: int) -> dict[str, Any]:
    """What would be told of a title; a third of the titles are episodes of series of ten."""
    return {
        "title": f"Title {number}",
        "synopsis": f"The story of number {number}, and of what came after it.",
        "series": f"series {number // 30}" if number % 3 == 0 else "",
    }


def title_of(number: int) -> str:
    """Its id."""
    return f"title{number:06d}"


def topic_of(number: int) -> str:
    """What it is about."""
    return TOPICS[number % len(TOPICS)]
