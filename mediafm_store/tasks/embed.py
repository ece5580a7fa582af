"""Write contextual shot vectors and [GLOBAL] title vectors with a trained model."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mediafm_store.arrays import FUSED
from mediafm_store.errors import NotFound, SpaceMismatch
from mediafm_store.model.checkpoint import (
    checkpoint_fingerprint,
    load_checkpoint,
    read_facts,
    save_checkpoint,
)
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.model.windows import TitleShots, embed_title
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice, resolve_device
from mediafm_store.tasks.train import (
    checkpoints,
    latest,
    metadata_vector,
    next_checkpoint,
    saved,
)


@dataclass(frozen=True)
class Embedded:
    """The versions that are live now, and how much had to be written."""

    context: Space
    title: Space
    titles: int
    shots: int


def embed(
    store: Store,
    *,
    checkpoint: Path | None = None,
    device: DeviceChoice = "auto",
    on_title: Callable[[str, int, int], None] = lambda title, done, total: None,
) -> Embedded:
    """Embed every title that lacks vectors of this checkpoint (default: the newest).

    A new checkpoint makes a new version of the spaces `context` and `title`; readers keep the
    old one until all titles are written. Raises SpaceMismatch if the checkpoint was trained on
    other fused vectors than the store's.
    """
    store.check_writable()
    folder = adopt(store, checkpoint) if checkpoint else latest(store)
    model = open_model(store, folder, device)
    context, title = spaces_of(store, folder)
    lacking = sorted({*store.lacking(context), *store.lacking(title)})
    written = 0
    for done, name in enumerate(lacking, start=1):
        row = store.title(name)
        ids, fused = store.vectors(store.live("fused"), name)
        vectors = embed_title(model, TitleShots(fused, metadata_vector(row)))
        store.add_vectors(context, row, ids, vectors.shots)
        store.add_vectors(title, row, [name], vectors.title[None])
        written += len(ids)
        on_title(name, done, len(lacking))
    store.promote(context, title)
    return Embedded(store.live("context"), store.live("title"), len(lacking), written)


def adopt(store: Store, checkpoint: Path) -> Path:
    """The same checkpoint inside the store, copied under the next number if it is not there.

    Contextual vectors and the model that made them must not be parted: a clip is embedded by it.
    """
    wanted = checkpoint_fingerprint(checkpoint)
    for folder in saved(store):
        if checkpoint_fingerprint(folder) == wanted:
            return folder
    folder = next_checkpoint(store)
    save_checkpoint(load_checkpoint(checkpoint), folder, extra=read_facts(checkpoint))
    return folder


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
    hashed = context_fingerprint(store, folder)
    made_by = f"checkpoint {folder.name}"
    return (
        store.version("context", hashed, dim=FUSED, made_by=made_by),
        store.version("title", hashed, dim=FUSED, made_by=made_by),
    )


def context_fingerprint(store: Store, folder: Path) -> str:
    """Of the vectors that a checkpoint makes of the store's fused vectors."""
    parts = f"{checkpoint_fingerprint(folder)}|{store.live('fused').fingerprint}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def live_checkpoint(store: Store) -> Path:
    """The checkpoint that made the live contextual vectors; raise NotFound if it is gone."""
    context = store.live("context")
    for folder in reversed(saved(store)):
        if context_fingerprint(store, folder) == context.fingerprint:
            return folder
    raise NotFound(
        f"{context.made_by}, which made the contextual vectors, is not in {checkpoints(store)};"
        " run `mediafm embed` with a checkpoint that is"
    )
