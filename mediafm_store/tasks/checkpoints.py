"""The trained models of a store, numbered from 0001."""

import hashlib
from pathlib import Path

from mediafm_store.errors import NotFound
from mediafm_store.model.facts import CONFIG, checkpoint_fingerprint, read_facts
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store

CHECKPOINTS = "checkpoints"
HISTORY = "history.csv"


def checkpoints(store: Store) -> Path:
    """The folder that holds a store's checkpoints, numbered from 0001."""
    return store.local / CHECKPOINTS


def unfinished(store: Store) -> str:
    """Where the state of a training lies until it is over: where the tables do."""
    return f"{store.place.address}/{CHECKPOINTS}/unfinished"


def next_checkpoint(store: Store) -> Path:
    """The folder of the checkpoint to come."""
    return checkpoints(store) / f"{1 + max(map(number, saved(store)), default=0):04d}"


def saved(store: Store) -> list[Path]:
    """A store's checkpoints, oldest first; those of a remote store are fetched."""
    store.place.fetch(CHECKPOINTS, complete=CONFIG)
    folders = checkpoints(store).glob("[0-9]*") if checkpoints(store).is_dir() else ()
    return sorted((f for f in folders if f.name.isdigit()), key=number)


def publish(store: Store, checkpoint: Path) -> None:
    """Let other machines have a checkpoint, if the store is one that they can reach."""
    store.place.publish(checkpoint, complete=CONFIG)


def number(checkpoint: Path) -> int:
    """A checkpoint's number, its folder's name."""
    return int(checkpoint.name)


def latest(store: Store) -> Path:
    """The newest checkpoint; raise NotFound if nothing was trained yet."""
    if folders := saved(store):
        return folders[-1]
    raise NotFound(f"store {store.path} has no trained model yet; run `mediafm train`")


def adopt(store: Store, checkpoint: Path) -> Path:
    """The same checkpoint inside the store, copied under the next number if it is not there.

    Contextual vectors and the model that made them must not be parted: a clip is embedded by it.
    """
    from mediafm_store.model.checkpoint import load_checkpoint, save_checkpoint

    wanted = checkpoint_fingerprint(checkpoint)
    for folder in saved(store):
        if checkpoint_fingerprint(folder) == wanted:
            return folder
    folder = next_checkpoint(store)
    save_checkpoint(load_checkpoint(checkpoint), folder, extra=read_facts(checkpoint))
    publish(store, folder)
    return folder


def context_fingerprint(checkpoint: Path, fused: str) -> str:
    """Of the vectors that a checkpoint makes of fused vectors with this fingerprint."""
    parts = f"{checkpoint_fingerprint(checkpoint)}|{fused}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def checkpoint_of(store: Store, space: Space) -> Path:
    """The checkpoint that made contextual vectors; raise NotFound if it is gone."""
    for folder in reversed(saved(store)):
        if context_fingerprint(folder, space.fused) == space.fingerprint:
            return folder
    raise NotFound(
        f"{space.made_by}, which made the contextual vectors, is not in {checkpoints(store)};"
        " run `mediafm embed` with a checkpoint that is"
    )
