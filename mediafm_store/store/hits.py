"""The results of a search."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

import polars as pl

from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.likeness.scale import PARTS
from mediafm_store.report.notebook import hits_table
from mediafm_store.report.pages import write_search_page
from mediafm_store.retrieval.hit import Hit, RankedHits
from mediafm_store.retrieval.query import SearchQuery, Unit
from mediafm_store.scenes.own_scene import OwnScene
from mediafm_store.segments import segments_of_hits
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.segment import Segment
from mediafm_store.timelines.writers import write_timeline

_TEXTS = pl.List(pl.String)
_NUMBERS = pl.List(pl.Float64)
_COLUMNS: Mapping[str, Any] = {
    "shot": pl.String,
    "title": pl.String,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "score": pl.Float64,
    "chance": pl.Float64,
    "shares": pl.Struct(dict.fromkeys(PARTS, pl.Float64)),
    "words": pl.String,
    "seen": _TEXTS,
    "heard": _TEXTS,
    "shots": _TEXTS,
    "alike": _TEXTS,
    "seen_p": _NUMBERS,
    "heard_p": _NUMBERS,
    "looks": _TEXTS,
}


class Hits(Sequence[Hit]):
    """The results of a search, best first: a sequence of `Hit`.

    A notebook shows them with pictures.
    """

    def __init__(
        self, storage: Storage, query: SearchQuery, ranked: RankedHits, *, unit: Unit = "shot"
    ) -> None:
        self._storage, self._query, self._ranked, self._unit = storage, query, ranked, unit

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        """A result, or some of them."""
        return self._ranked[place]

    def __len__(self) -> int:
        """Number of results."""
        return len(self._ranked)

    def __iter__(self) -> Iterator[Hit]:
        """The results, best first."""
        return iter(self._ranked)

    def __repr__(self) -> str:
        """The query, and how many results there are."""
        return f"<Hits for {self._query.summary}: {len(self)}, compared {self.compared}>"

    def _repr_html_(self) -> str:
        """The results with pictures, as notebooks show them."""
        return hits_table(self._storage, self)

    @property
    def compared(self) -> str:
        """How shots were compared, in plain words."""
        return self._ranked.compared

    @property
    def chance(self) -> float | None:
        """How often a random query finds something as good as the best result, 0 to 1.

        None for spoken words alone, or where there is nothing to compare with.
        """
        return self._ranked.chance

    @property
    def own_scene(self) -> OwnScene | None:
        """The scene of the query, which is left out of the results; None if there is none."""
        return self._ranked.own_scene

    @property
    def origin(self) -> ClipMatch | None:
        """Where in the store a clip of the query was cut from; None if nowhere."""
        return self._ranked.origin

    def to_polars(self) -> pl.DataFrame:
        """A row for each result, with the fields of `Hit` as columns."""
        return pl.DataFrame([asdict(hit) for hit in self], schema=_COLUMNS)

    def to_segments(self) -> list[Segment]:
        """Each result as a part of its title: a shot, or all shots of a scene or title."""
        return segments_of_hits(self._storage, self)

    def to_timeline(self, path: str | Path, *, fps: Fraction | float | None = None) -> None:
        """Write the results for editors, players or tables.

        Args:
            path: The suffix says the format, such as `.edl`, `.otio`, `.fcpxml`, `.csv`, `.vtt`.
            fps: Frames a second of the edit; default: those of the first film.

        Raises:
            InvalidInput: There are no results, or the file cannot be written.
        """
        write_timeline(path, self.to_segments(), fps=fps)

    def to_html(self, path: str | Path) -> None:
        """Write a page with a picture of each result.

        Raises:
            InvalidInput: The file cannot be written.
        """
        write_search_page(
            path,
            store=self._storage,
            query=self._query.summary,
            hits=self._ranked,
            query_shot=self._query.shot,
            unit=self._unit,
        )
