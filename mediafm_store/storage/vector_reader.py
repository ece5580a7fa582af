"""Read the vectors of a store."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediafm_store.errors import InvalidInput
from mediafm_store.storage.row_offsets import RowOffsets
from mediafm_store.storage.rows import half_vectors
from mediafm_store.storage.title_reader import TitleReader
from mediafm_store.storage.views import only_valid
from mediafm_store.tables.spaces import Passage, Space, StoredVectors, VectorBatch
from mediafm_store.tables.sql import one_of, quoted

_BATCH = 8192
"""Vectors that are read at a time: 38 MB."""
COUNTED = 128 * _BATCH
"""Rows whose titles are counted at a time: 50 MB."""


class VectorReader(TitleReader):
    """The titles of a store and their vectors, to read."""

    def lacking(self, space: Space) -> list[str]:
        """Titles that do not have as many vectors in a space as they have shots.

        Most have none, or those of an older revision; a few may have lost or duplicate rows.
        """
        there = self.rows_by_title(space)
        return [t for t, n in self.shot_counts().items() if there.get(t) != space.rows_of(n)]

    def vectors(self, space: Space, title: str | None = None) -> StoredVectors:
        """Vectors of a space as float32, of one title or of all.

        Raises:
            InvalidInput: If a title has some vectors, but not one per shot.
        """
        if title is None:
            return self._vectors(space, None)
        found = self._vectors(space, f"title = {quoted(title)}")
        wanted = space.rows_of(self.shot_counts().get(title, 0))
        if found.ids and not len(found.ids) == len(set(found.ids)) == wanted:
            raise InvalidInput(
                f"{space.table} holds {len(found.ids)} vectors of title {title!r}, which should"
                f" have {wanted}; `mediafm doctor` tells what mends it"
            )
        return found

    def vectors_by_id(self, space: Space, ids: Sequence[str]) -> StoredVectors:
        """Vectors of those ids that a space holds."""
        return self._vectors(space, one_of("id", ids))

    def vector_batches(
        self, space: Space, titles: Collection[str] | None = None
    ) -> Iterator[VectorBatch]:
        """Yield the vectors of a space, or of some titles, in float16 as they are stored.

        Only one batch is in memory. Rows of a title are consecutive.
        """
        every = self.revisions()
        valid = every if titles is None else {t: r for t, r in every.items() if t in titles}
        # Most of a table is quicker gone through than asked for.
        condition = one_of("title", list(valid)) if 2 * len(valid) < len(every) else None
        for rows in self.tables.batches(space.table, None, _BATCH, condition=condition):
            seen = only_valid(rows, valid)
            if seen.num_rows:
                ids, of, revisions = (seen[c].to_pylist() for c in ("id", "title", "revision"))
                yield VectorBatch(ids, of, revisions, half_vectors(seen))

    def vectors_by_title(
        self, space: Space, titles: Collection[str] | None = None
    ) -> Iterator[tuple[str, StoredVectors]]:
        """Yield the vectors by title as float32, of all titles or some, in no particular order.

        Titles without vectors of all of their shots are left out. One batch is in memory, and
        titles of which a part is still to come.
        """
        shots = self.shot_counts()
        parts: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
        for batch in self.vector_batches(space, titles):
            for row_id, title, vector in zip(batch.ids, batch.titles, batch.vectors, strict=True):
                parts[title][row_id] = vector
                if len(parts[title]) == (1 if space.of_titles else shots.get(title)):
                    whole = parts.pop(title)
                    ids = sorted(whole)
                    vectors = np.stack([whole[row_id] for row_id in ids]).astype(np.float32)
                    yield title, StoredVectors(ids, vectors)

    def sample(
        self, space: Space, passages: int, length: int, *, rng: np.random.Generator
    ) -> list[Passage]:
        """Random passages of at most `length` vectors each; all of them, if there are no more."""
        rows = self.table(space.table).count_rows()
        begins = np.arange(0, rows, length)
        chosen = np.sort(rng.permutation(begins)[:passages]).tolist()
        places = [p for begin in chosen for p in range(begin, min(begin + length, rows))]
        valid = self.revisions()
        columns = ["id", "title", "revision", "vector"]
        taken = self.tables.take(self.table(space.table), places, columns)
        ids, vectors = taken["id"].to_pylist(), half_vectors(taken)
        found: dict[tuple[int, str], list[int]] = defaultdict(list)
        of = zip(places, taken["title"].to_pylist(), taken["revision"].to_pylist(), strict=True)
        for row, (place, title, revision) in enumerate(of):
            if valid.get(title) == revision:
                found[place // length, title].append(row)
        return [
            Passage(title, tuple(ids[row] for row in rows), vectors[rows])
            for (_, title), rows in found.items()
        ]

    def places(self, space: Space, revisions: Mapping[str, str]) -> RowOffsets:
        """Offsets of the vectors of titles in a space, by their revisions."""
        return RowOffsets(self.tables, space, revisions)

    def rows_by_title(self, space: Space) -> dict[str, int]:
        """Number of vectors of each title in a space; titles without any are left out."""
        valid, columns = self.revisions(), ["title", "revision"]
        parts: Iterable[pa.Table] = self.tables.batches(space.table, columns, COUNTED)
        if space.of_titles:  # a row a title, and every search asks
            parts = [self.tables.whole(space.table, columns)]
        counts: Counter[str] = Counter()
        for rows in parts:
            for each in pc.value_counts(only_valid(rows, valid)["title"]).to_pylist():
                counts[each["values"]] += each["counts"]
        return dict(sorted(counts.items()))

    def _vectors(self, space: Space, condition: str | None) -> StoredVectors:
        rows = self._visible(space.table, condition)
        ids = rows["id"].to_pylist()
        order = sorted(range(len(ids)), key=ids.__getitem__)
        vectors = half_vectors(rows)[order].astype(np.float32)
        return StoredVectors([ids[i] for i in order], vectors)
