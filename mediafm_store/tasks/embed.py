"""Write contextual shot vectors and [GLOBAL] title vectors with a trained model."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store.arrays import FUSED, Vectors, pooled
from mediafm_store.errors import SpaceMismatch
from mediafm_store.model.checkpoint import load_checkpoint, read_facts
from mediafm_store.model.packed import TitleShots
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.model.windows import embed_title, embed_titles
from mediafm_store.parallel import groups
from mediafm_store.store.rows import AT_ONCE, MadeVectors
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.checkpoints import adopt, context_fingerprint, latest
from mediafm_store.tasks.encoding import DeviceChoice, resolve_device
from mediafm_store.tasks.queries import shots_within
from mediafm_store.tasks.spaces import promote
from mediafm_store.tasks.train import title_shots


@dataclass(frozen=True)
class Embedded:
    """The versions that are live now, and how much had to be written."""

    context: Space
    title: Space
    titles: int
    shots: int


@dataclass(frozen=True)
class Clip:
    """A stretch of a title as one vector, in three ways; each is a mean over its shots."""

    shots: list[str]
    """The ids of those that overlap it."""
    fused: Vectors
    """As the shots are by themselves; one row, as the others."""
    isolated: Vectors
    """In context of each other, as if the clip were all there is."""
    context: Vectors
    """In context of the whole title."""


def embed(
    store: Store,
    *,
    checkpoint: Path | None = None,
    device: DeviceChoice = "auto",
    on_title: Callable[[str, int, int], None] = lambda title, done, total: None,
) -> Embedded:
    """Embed every title that lacks vectors of this checkpoint (default: the newest).

    A new checkpoint makes a new version of the spaces `context` and `title`; readers keep the
    old one until all titles are written and the new one has passed its gates, or for good if it
    does not: NotPromoted. Raises SpaceMismatch if the checkpoint was trained on other fused
    vectors than the store's.
    """
    store.check_writable()
    folder = adopt(store, checkpoint) if checkpoint else latest(store)
    model = open_model(store, folder, device)
    context, title = spaces_of(store, folder)
    lacking = {*store.lacking(context), *store.lacking(title)}
    written = shots = 0
    for made in groups(embedded(store, model, lacking), shots_of, most=AT_ONCE):
        store.add_vectors_of(context, [one.context for one in made])
        store.add_vectors_of(title, [one.title for one in made])
        for one in made:
            written, shots = written + 1, shots + shots_of(one)
            on_title(one.title.title["id"], written, len(lacking))
    if not context.live:
        for space in (context, title):
            store.registry.set_state(space, "backfilled")
        promote(store, "context", context.version)
    return Embedded(store.live("context"), store.live("title"), written, shots)


class Made(NamedTuple):
    """What a model makes of a title."""

    context: MadeVectors
    title: MadeVectors


def embedded(store: Store, model: ShotTransformer, titles: Collection[str]) -> Iterator[Made]:
    """Titles in context, one after the other, as their fused vectors lie in the table."""
    rows = {row["id"]: row for row in store.titles().to_dicts()}
    metadata = dict(zip(*store.vectors(store.live("metadata")), strict=True))
    read: deque[tuple[dict[str, Any], list[str]]] = deque()

    def seen() -> Iterator[TitleShots]:
        for id, (ids, fused) in store.vectors_by_title(store.live("fused"), titles):
            read.append((rows[id], ids))
            yield title_shots(rows[id], fused, metadata[id])

    for vectors in embed_titles(model, seen()):
        row, ids = read.popleft()
        title = MadeVectors(row, [row["id"]], vectors.title[None])
        yield Made(MadeVectors(row, ids, vectors.shots), title)


def shots_of(made: Made) -> int:
    """How many a title has."""
    return len(made.context.ids)


def embed_clip(
    store: Store,
    title: str,
    start_s: float,
    end_s: float,
    *,
    checkpoint: Path | None = None,
    device: DeviceChoice = "auto",
) -> Clip:
    """A stretch of a title from within it, beside the same shots without the rest of the title.

    Nothing is written. `checkpoint` is by default the newest. Raises NotFound for a title that is
    not there, BadInput for a stretch without shots.
    """
    own = shots_within(store, title, start_s, end_s)
    model = open_model(store, checkpoint or latest(store), device)
    ids, whole = read_shots(store, store.title(title))
    inside = [ids.index(id) for id in own]
    fused = whole.fused
    alone = whole._replace(fused=fused[inside])
    return Clip(
        shots=own,
        fused=pooled(fused[inside]),
        isolated=pooled(embed_title(model, alone).shots),
        context=pooled(embed_title(model, whole).shots[inside]),
    )


def read_shots(store: Store, row: Mapping[str, Any]) -> tuple[list[str], TitleShots]:
    """The ids of the shots of a title, and what the model sees of it."""
    ids, fused = store.vectors(store.live("fused"), row["id"])
    metadata = store.vectors(store.live("metadata"), row["id"]).vectors
    return ids, title_shots(row, fused, metadata[0])


def open_model(store: Store, folder: Path, device: DeviceChoice) -> ShotTransformer:
    """Load a checkpoint for the store's fused vectors."""
    trained_on, fused = read_facts(folder).get("fused"), store.live("fused")
    if trained_on != fused.fingerprint:
        raise SpaceMismatch(
            f"checkpoint {folder} was trained on fused vectors {trained_on}, the store has"
            f" {fused.fingerprint}; train anew with `mediafm train`"
        )
    return load_checkpoint(folder).to(resolve_device(device)).eval()


def spaces_of(store: Store, folder: Path) -> tuple[Space, Space]:
    """The versions of `context` and `title` that a checkpoint makes."""
    fused = store.live("fused").fingerprint
    hashed = context_fingerprint(folder, fused)
    told = {"made_by": f"checkpoint {folder.name}", "fused": fused}
    return (
        store.registry.version("context", hashed, dim=FUSED, **told),
        store.registry.version("title", hashed, dim=FUSED, **told),
    )
