"""Write contextual shot vectors and [GLOBAL] title vectors with a trained model."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mediafm_store.arrays import FUSED, Vectors, pooled
from mediafm_store.encoding import DeviceChoice, resolve_device
from mediafm_store.engines import Tell, engine_of
from mediafm_store.errors import InvalidInput, SpaceMismatch, first_line
from mediafm_store.model.checkpoint import load_checkpoint
from mediafm_store.model.metadata import read_facts
from mediafm_store.model.sequences import TitleSequence
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.model.windows import TitleEmbedding, embed_title, embed_titles
from mediafm_store.parallel import groups
from mediafm_store.releases.spaces import promote
from mediafm_store.storage.rows import AT_ONCE, MadeVectors
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space
from mediafm_store.titles.naming import find_title, shots_within
from mediafm_store.training.checkpoints import adopt, context_fingerprint, latest
from mediafm_store.training.train import title_shots


@dataclass(frozen=True)
class EmbedResult:
    """The versions that hold the vectors, and how much had to be written."""

    context: Space
    title: Space
    titles: int
    shots: int


@dataclass(frozen=True)
class ClipVectors:
    """Segment of a title as one vector, in three ways; each is a mean over its shots."""

    shots: list[str]
    """The ids of those that overlap it."""
    fused: Vectors
    """Vectors of the isolated shots; one row, as the others."""
    isolated: Vectors
    """In context of each other, as if the clip were all there is."""
    context: Vectors
    """In context of the whole title."""


def embed(
    store: Storage,
    *,
    checkpoint: str | Path | None = None,
    go_live: bool = True,
    device: DeviceChoice = "auto",
    workers: int | None = None,
    engine: str = "threads",
    on_title: Callable[[str, int, int], None] = lambda title, done, total: None,
) -> EmbedResult:
    """Embed every title that lacks vectors of a checkpoint.

    A new checkpoint makes a new version of the spaces `context` and `title`. Readers keep the old
    one until all titles are written and the new one has passed its gates.

    Args:
        store: The store to embed.
        checkpoint: Folder of a checkpoint; None for the newest.
        go_live: Promote the new version when all titles are written.
        device: Device of the model.
        workers: Batches of titles embedded in parallel; None for the default of the engine.
        engine: Where they are embedded: `threads`, `ray` or the address of a Ray cluster.
        on_title: Called with the title, the number done and the total.

    Raises:
        GateFailed: The new version failed a gate; the old one stays live.
        SpaceMismatch: The checkpoint was trained on other fused vectors than the store's.
    """
    store.check_writable()
    folder = latest(store) if checkpoint is None else _adopted(store, Path(checkpoint), device)
    stage = _EmbedTitles(_model_for(store, folder), device)
    context, title = _spaces_of(store, folder)
    lacking = {*store.lacking(context), *store.lacking(title)}
    batches = groups(_known_titles(store, lacking), lambda one: len(one.ids), most=AT_ONCE)
    written = shots = 0
    errors: list[Exception] = []
    with (
        engine_of(engine, workers=workers) as runs_on,
        closing(runs_on.run(stage, batches, on_gpu=device != "cpu")) as outcomes,
    ):
        for outcome in outcomes:
            if outcome.error:
                errors.append(outcome.error)
                continue
            _write_batch(store, (context, title), outcome.item, outcome.get())
            for one in outcome.item:
                written, shots = written + 1, shots + len(one.ids)
                on_title(one.row["id"], written, len(lacking))
    if errors:
        raise errors[0]
    if not context.live:
        for space in (context, title):
            store.registry.set_state(space, "backfilled")
        if not go_live:
            return EmbedResult(*_spaces_of(store, folder), written, shots)
        promote(store, "context", context.version)
    return EmbedResult(store.live("context"), store.live("title"), written, shots)


def _write_batch(
    store: Storage,
    spaces: tuple[Space, Space],
    batch: Sequence["_KnownTitle"],
    made: Sequence[TitleEmbedding],
) -> None:
    """Write the vectors of a batch of titles into the spaces `context` and `title`."""
    context, title = spaces
    both = list(zip(batch, made, strict=True))
    shots = [MadeVectors(known.row, known.ids, v.shots) for known, v in both]
    titles = [MadeVectors(known.row, [known.row["id"]], v.title[None]) for known, v in both]
    store.add_vectors_of(context, shots)
    store.add_vectors_of(title, titles)


def _adopted(store: Storage, checkpoint: Path, device: DeviceChoice) -> Path:
    """Make a checkpoint from elsewhere the store's newest, once one title is embedded with it.

    Raises InvalidInput if that cannot be done, or gives no vectors.
    """
    title = min(store.shot_counts().items(), key=lambda one: one[1])[0]
    model = _model_for(store, checkpoint)
    try:
        _EmbedTitles(model, device)([*_known_titles(store, [title])], lambda told: None)
    except RuntimeError as error:  # of torch, for sizes that do not fit
        raise InvalidInput(
            f"checkpoint {checkpoint} cannot embed title {title!r}: {first_line(error)}"
        ) from error
    return adopt(store, checkpoint)


def embed_clip(
    store: Storage,
    title: str,
    start_s: float,
    end_s: float,
    *,
    checkpoint: str | Path | None = None,
    device: DeviceChoice = "auto",
) -> ClipVectors:
    """Embed a segment of a title twice: in the context of the title, and without it.

    Nothing is written.

    Args:
        store: The store that has the title.
        title: Id of the title.
        start_s: Start of the segment in seconds.
        end_s: End of the segment in seconds.
        checkpoint: Folder of a checkpoint; None for the newest.
        device: Device of the model.

    Raises:
        NotFound: The store does not have the title.
        InvalidInput: The segment has no shots.
    """
    title = find_title(store, title)
    own = shots_within(store, title, start_s, end_s)
    model = open_model(store, latest(store) if checkpoint is None else Path(checkpoint), device)
    ids, whole = read_shots(store, store.title(title))
    inside = [ids.index(shot_id) for shot_id in own]
    fused = whole.fused
    alone = whole._replace(fused=fused[inside])
    return ClipVectors(
        shots=own,
        fused=pooled(fused[inside]),
        isolated=pooled(embed_title(model, alone).shots),
        context=pooled(embed_title(model, whole).shots[inside]),
    )


class _KnownTitle(NamedTuple):
    """A title as it is stored."""

    row: dict[str, Any]
    ids: list[str]
    """Ids of its shots."""
    shots: TitleSequence


def _known_titles(store: Storage, titles: Collection[str]) -> Iterator[_KnownTitle]:
    """Titles with their stored fused vectors, as workers take them."""
    rows = {row["id"]: row for row in store.titles().to_dicts()}
    metadata = dict(zip(*store.vectors(store.live("metadata")), strict=True))
    for title_id, (ids, fused) in store.vectors_by_title(store.live("fused"), titles):
        yield _KnownTitle(
            rows[title_id], ids, title_shots(rows[title_id], fused, metadata[title_id])
        )


@dataclass(frozen=True)
class _EmbedTitles:
    """The stage of `embed`: titles of a batch in context, one after the other."""

    model: ShotTransformer
    device: DeviceChoice

    def __call__(self, batch: Sequence[_KnownTitle], tell: Tell) -> list[TitleEmbedding]:  # noqa: ARG002
        """Raises InvalidInput without shots, for a vector that is not finite, without a device."""
        model = self.model.to(resolve_device(self.device)).eval()
        made = list(embed_titles(model, [known.shots for known in batch]))
        for known, vectors in zip(batch, made, strict=True):
            if not all(np.isfinite(some.astype(np.float16)).all() for some in vectors):
                raise InvalidInput(
                    f"the model makes no finite vectors of title {known.row['id']!r}; train again,"
                    " or embed with another checkpoint"
                )
        return made


def read_shots(store: Storage, row: Mapping[str, Any]) -> tuple[list[str], TitleSequence]:
    """Read the ids of the shots of a title, and the sequence that the model takes."""
    ids, fused = store.vectors(store.live("fused"), row["id"])
    metadata = store.vectors(store.live("metadata"), row["id"]).vectors
    return ids, title_shots(row, fused, metadata[0])


def open_model(store: Storage, folder: Path, device: DeviceChoice) -> ShotTransformer:
    """Load a checkpoint for the store's fused vectors onto a device."""
    return _model_for(store, folder).to(resolve_device(device)).eval()


def _model_for(store: Storage, folder: Path) -> ShotTransformer:
    """Load a checkpoint, which must have been trained on the store's fused vectors."""
    trained_on, fused = read_facts(folder).get("fused"), store.live("fused")
    if trained_on != fused.fingerprint:
        raise SpaceMismatch(
            f"checkpoint {folder} was trained on fused vectors {trained_on}, the store has"
            f" {fused.fingerprint}; train anew with `mediafm train`"
        )
    return load_checkpoint(folder)


def _spaces_of(store: Storage, folder: Path) -> tuple[Space, Space]:
    """The versions of `context` and `title` that a checkpoint makes."""
    fused = store.live("fused").fingerprint
    hashed = context_fingerprint(folder, fused)
    told = {"made_by": f"checkpoint {folder.name}", "fused": fused}
    return (
        store.registry.version("context", hashed, dim=FUSED, **told),
        store.registry.version("title", hashed, dim=FUSED, **told),
    )
