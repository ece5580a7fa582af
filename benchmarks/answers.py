"""Pictures of ten judged queries with their first five answers: `python -m benchmarks.answers`.

    python -m benchmarks.answers --media FOLDER --store STORE

Writes docs/answers_similar.jpg and docs/answers_text.jpg. The queries are spread evenly over the
label file, so good and bad ones are shown as they come. A green frame is an answer that people
labelled as relevant.
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from PIL import Image, ImageDraw, ImageOps

from benchmarks.common import ROOT, media_folder
from mediafm_store import Hit
from mediafm_store.encoding import load_encoders
from mediafm_store.judgements.judgements import Judgements, ShotPosition
from mediafm_store.judgements.labels import read_judgements
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.storage.storage import Storage

T = TypeVar("T")
ROWS, ANSWERS = 5, 5
TILE, FRAME, GAP, HEAD = (192, 82), 4, 6, 18
GREEN, GREY, PAPER, INK = (30, 140, 80), (205, 205, 200), (247, 247, 243), (30, 30, 30)


class Answered(NamedTuple):
    """A query and what it found."""

    query: str
    shot: str | None
    """The shot that was asked with, if it was one."""
    hits: Sequence[Hit]
    relevant: Mapping[ShotPosition, int]


def main() -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, help="Folder with labels.json.")
    parser.add_argument("--store", type=Path, required=True, help="A store of its films.")
    given = parser.parse_args()
    labels = read_judgements((given.media or media_folder()) / "labels.json")
    store, encoders = Storage(given.store), load_encoders(device="cpu")
    similar, texts = [], []
    for asked in some(labels.similar):
        shot = shot_at(store, asked.place.film, asked.middle_s)
        hits = search(store, SearchQuery(shot=shot), SearchOptions(k=ANSWERS))
        similar.append(Answered(f"like {shot}", shot, hits, asked.relevant))
    for words in some([q for q in labels.text if q.relevant]):
        hits = search(
            store, SearchQuery(text=words.text), SearchOptions(k=ANSWERS), encoders=encoders
        )
        texts.append(Answered(words.text, None, hits, words.relevant))
    draw(store, labels, similar, ROOT / "docs" / "answers_similar.jpg")
    draw(store, labels, texts, ROOT / "docs" / "answers_text.jpg")


def some(queries: Sequence[T]) -> list[T]:
    """Queries that are spread evenly."""
    return [queries[i * len(queries) // ROWS] for i in range(ROWS)]


def shot_at(store: Storage, title: str, seconds: float) -> str:
    """The shot of a title that holds a moment."""
    shots = store.shots(title)
    held = shots.filter((shots["start_s"] <= seconds) & (shots["end_s"] > seconds))
    return str(held["id"][0])


def draw(store: Storage, labels: Judgements, rows: Sequence[Answered], path: Path) -> None:
    """A row a query: what was asked with, then the answers, framed green where they are right."""
    ids = [shot for row in rows for shot in [row.shot, *(h.shot for h in row.hits)] if shot]
    pictures = store.thumbnails(ids)
    width, height = (side + 2 * FRAME + GAP for side in TILE)
    columns = ANSWERS + any(row.shot for row in rows)
    page = Image.new("RGB", (columns * width + GAP, len(rows) * (height + HEAD) + GAP), PAPER)
    pen = ImageDraw.Draw(page)
    for number, row in enumerate(rows):
        top = GAP + number * (height + HEAD)
        pen.text((GAP, top + 2), row.query if row.hits else f"{row.query}: no good match", INK)
        tiles = [(row.shot, INK)] if row.shot else []
        tiles += [(hit.shot, GREEN if right(labels, row, hit) else GREY) for hit in row.hits]
        for column, (shot, colour) in enumerate(tiles):
            tile = Image.open(io.BytesIO(pictures[shot])).convert("RGB")
            framed = ImageOps.expand(ImageOps.fit(tile, TILE), FRAME, colour)
            page.paste(framed, (GAP + column * width, top + HEAD))
    page.save(path, quality=82)
    print(f"wrote {path.relative_to(ROOT)}")


def right(labels: Judgements, row: Answered, hit: Hit) -> bool:
    """Whether people labelled an answer as relevant."""
    place = labels.place(hit.title, (hit.start_s + hit.end_s) / 2, shot=hit.shot)
    return place in row.relevant


if __name__ == "__main__":
    main()
