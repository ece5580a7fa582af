"""Make an index: write the vectors, train on a sample, add in batches, tune, measure.

In memory are the index, a sample while it is trained, and a batch of the vectors.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import copyfile

import numpy as np
from jaxtyping import Float16

from mediafm_indexes.evaluate import Sample, draw, measure, recall
from mediafm_indexes.factories import EXACT, EXACT_UP_TO, preferred
from mediafm_indexes.faiss_index import FaissIndex, sample_for
from mediafm_indexes.index import Device, Index
from mediafm_indexes.metadata import INDEX, IndexMetadata, SearchParams, sums, write_facts
from mediafm_indexes.searcher import VectorSearcher, load
from mediafm_indexes.tune import tune, widest
from mediafm_indexes.vectors_file import CHECKS, VECTORS, Vectors, write_vectors

Train = Callable[..., Index]
"""`train` of an index class."""
_OnBatch = Callable[[int], object]
"""Called with the number of vectors in a batch."""
_FEWEST = 40
"""Rows from which codes can be learned; fewer are all compared, whatever kind is asked for."""
_OUTGROWN = 2
"""Growth factor in rows after which lists and codes are trained again."""


@dataclass(frozen=True)
class IndexTarget:
    """Requirements that an index has to meet."""

    target: float = 0.99
    """recall@10 of the settings that searches use."""
    memory_bytes: float = 4e9
    """For the index while it is searched; the sample that it learns from takes up to a quarter."""
    device: Device = "cpu"
    share: float = 1.0
    """Share of the memory for searches that this index may take; the rest is for other shards."""


def build(
    folder: Path,
    batches: Iterable[Float16[np.ndarray, "_ dim"]],
    *,
    dim: int,
    generator: np.random.Generator,
    kinds: Mapping[str, Train | None] | None = None,
    wanted: IndexTarget = IndexTarget(),
    on_batch: _OnBatch = lambda vectors: None,
) -> IndexMetadata:
    """Write an index of the vectors to an empty folder.

    Args:
        folder: Empty folder.
        batches: Vectors of length 1 or less, in the order of their rows.
        dim: Dimension of the vectors.
        generator: Source of the random samples.
        kinds: Kinds to try, in order, until one reaches the target; default: those that suit the
            number of rows. If none reaches it, the last is kept with its widest search.
        wanted: Recall, memory and device that the index has to meet.
        on_batch: Called with the vectors that are added; may raise to stop.

    Returns:
        Kind, settings and measured quality of the index.
    """
    rows = write_vectors(folder, batches)
    vectors = Vectors(folder, rows=rows, dim=dim)
    if kinds is None:
        memory_bytes = wanted.share * wanted.memory_bytes
        kinds = trainers(preferred(rows, dim, memory_bytes, wanted.device))
    tuning, measuring = draw(vectors, generator)
    made = _first_to_reach(wanted, kinds, vectors, tuning, generator, on_batch=on_batch)
    indexed = VectorSearcher(vectors, made.index, made.settings)
    if made.index is not None:
        made.index.save(folder / INDEX)
    facts = IndexMetadata(
        kind=made.kind,
        rows=rows,
        dim=dim,
        trained_on=rows,
        target=wanted.target,
        settings=made.settings,
        measured=measure(indexed, measuring, generator),
        build_s=made.took_s,
        checksums=sums(folder),
    )
    write_facts(folder, facts)
    return facts


def extend(
    folder: Path,
    before: Path,
    batches: Iterable[Float16[np.ndarray, "_ dim"]],
    *,
    more: int,
    generator: np.random.Generator,
    on_batch: _OnBatch = lambda vectors: None,
) -> IndexMetadata | None:
    """Write the index of the folder `before`, with more vectors in it, to an empty folder.

    Nothing is trained again.

    Args:
        folder: Empty folder.
        before: Folder of the index to extend.
        batches: The vectors to add.
        more: Number of vectors to add.
        generator: Source of the random samples.
        on_batch: Called with the vectors that are added; may raise to stop.

    Returns:
        Metadata of the index; None if it has to be trained again: another kind is better for this
        many rows, or the new vectors drift from the old ones, so that the settings miss too many of
        them.
    """
    old, facts = load(before)
    if len(old) + more > (EXACT_UP_TO if old.index is None else _OUTGROWN * facts.trained_on):
        return None
    for name in (VECTORS, CHECKS):
        copyfile(before / name, folder / name)
    rows = len(old) + write_vectors(folder, batches)
    vectors = Vectors(folder, rows=rows, dim=facts.dim)
    began = time.perf_counter()
    if old.index is not None:
        for batch in vectors.batches(start=len(old)):
            old.index.add(batch)
            on_batch(len(batch))
    build_s = time.perf_counter() - began
    indexed = VectorSearcher(vectors, old.index, facts.settings)
    if rows > len(old):
        new, _ = draw(vectors, generator, start=len(old))
        if recall(indexed, new) < facts.target:
            return None
    if old.index is not None:
        old.index.save(folder / INDEX)
    extended = replace(
        facts,
        rows=rows,
        measured=measure(indexed, draw(vectors, generator)[1], generator),
        build_s=build_s,
        checksums=sums(folder),
    )
    write_facts(folder, extended)
    return extended


def trainers(kinds: Iterable[str]) -> dict[str, Train | None]:
    """Trainers of FAISS's index kinds, by kind; exact search needs none."""
    return {k: None if k == EXACT else partial(FaissIndex.train, kind=k) for k in kinds}


@dataclass(frozen=True, slots=True)
class _BuiltIndex:
    """An index of some kind, how to search it, and how long it took to make."""

    kind: str
    index: Index | None
    """None if all vectors are compared."""
    settings: SearchParams
    took_s: float


def _first_to_reach(
    wanted: IndexTarget,
    kinds: Mapping[str, Train | None],
    vectors: Vectors,
    sample: Sample,
    generator: np.random.Generator,
    *,
    on_batch: _OnBatch,
) -> _BuiltIndex:
    """The first kind that reaches the target, or else the last."""
    for kind, train in kinds.items():
        if train is None or len(vectors) < _FEWEST:
            return _BuiltIndex(EXACT, None, SearchParams(effort=0, candidates=0), took_s=0.0)
        began = time.perf_counter()
        index = _filled_index(train, vectors, wanted, generator, on_batch)
        took_s = time.perf_counter() - began
        settings = tune(vectors, index, sample, target=wanted.target, generator=generator)
        made = _BuiltIndex(kind, index, settings or widest(index), took_s)
        if settings is not None:
            break
    return made


def _filled_index(
    train: Train,
    vectors: Vectors,
    wanted: IndexTarget,
    generator: np.random.Generator,
    on_batch: _OnBatch,
) -> Index:
    """An index trained on a sample, with all vectors in it."""
    most = max(1, int(wanted.memory_bytes / 4 / (4 * vectors.dim)))
    size = min(len(vectors), sample_for(len(vectors)), most)
    sample = np.sort(generator.choice(len(vectors), size, replace=False))
    index = train(vectors.read(sample), rows=len(vectors), device=wanted.device)
    for batch in vectors.batches():
        index.add(batch)
        on_batch(len(batch))
    return index
