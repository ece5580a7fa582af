"""The trained models of a store, numbered from 0001."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediafm_store.errors import NotFound
from mediafm_store.model.metadata import CONFIG, checkpoint_fingerprint, read_facts
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

if TYPE_CHECKING:
    from mediafm_store.model.transformer import ShotTransformer

_CHECKPOINTS, _UNFINISHED = "checkpoints", "unfinished"
HISTORY = "history.csv"
_FORGOTTEN_S = 7 * 24 * 3600.0


def _checkpoints(store: Storage) -> Path:
    """The folder that holds a store's checkpoints, numbered from 0001."""
    return store.local / _CHECKPOINTS


def unfinished(store: Storage, key: str) -> str:
    """Folder of the state of a training that is not over, beside the tables.

    `key` identifies titles and settings, so that no two trainings overwrite each other's state.
    """
    return f"{store.place.address}/{_CHECKPOINTS}/{_UNFINISHED}-{key[:16]}"


def forgotten(store: Storage) -> list[Path]:
    """States of trainings on this machine that nobody has resumed for a week."""
    until = time.time() - _FORGOTTEN_S
    files = _checkpoints(store).glob(f"{_UNFINISHED}*")
    return sorted(file for file in files if file.is_file() and file.stat().st_mtime < until)


def save_next(
    store: Storage,
    model: "ShotTransformer",
    *,
    extra: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
) -> Path:
    """Save a model as the newest checkpoint of a store; its folder.

    Its number is taken when it is written, however long ago its training began.
    """
    from mediafm_store.model.checkpoint import save_checkpoint

    with store.tables.lock():
        folder = (
            _checkpoints(store) / f"{1 + max(map(_checkpoint_number, saved(store)), default=0):04d}"
        )
        save_checkpoint(model, folder, extra=extra, files=files)
        _publish(store, folder)
    return folder


def saved(store: Storage) -> list[Path]:
    """Checkpoints of a store, oldest first; those of a remote store are fetched."""
    store.place.fetch(_CHECKPOINTS, complete=CONFIG)
    folders = _checkpoints(store).glob("[0-9]*") if _checkpoints(store).is_dir() else ()
    return sorted((f for f in folders if f.name.isdigit()), key=_checkpoint_number)


def _publish(store: Storage, checkpoint: Path) -> None:
    """Let other machines have a checkpoint, if the store is one that they can reach."""
    store.place.publish(checkpoint, complete=CONFIG)


def _checkpoint_number(checkpoint: Path) -> int:
    """A checkpoint's number, its folder's name."""
    return int(checkpoint.name)


def latest(store: Storage) -> Path:
    """Newest checkpoint of a store.

    Raises:
        NotFound: If nothing was trained yet.
    """
    if folders := saved(store):
        return folders[-1]
    raise NotFound(f"store {store.path} has no trained model yet; run `mediafm train`")


def adopt(store: Storage, checkpoint: Path) -> Path:
    """Copy a checkpoint into the store under the next number, unless it is there already.

    Contextual vectors and the model that made them must stay together, since clips are embedded by
    it.
    """
    from mediafm_store.model.checkpoint import load_checkpoint

    wanted = checkpoint_fingerprint(checkpoint)
    for folder in saved(store):
        if checkpoint_fingerprint(folder) == wanted:
            return folder
    return save_next(store, load_checkpoint(checkpoint), extra=read_facts(checkpoint))


def context_fingerprint(checkpoint: Path, fused: str) -> str:
    """Fingerprint of the vectors that a checkpoint makes of fused vectors with this fingerprint."""
    parts = f"{checkpoint_fingerprint(checkpoint)}|{fused}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def checkpoint_of(store: Storage, space: Space) -> Path:
    """Checkpoint that made the vectors of a contextual space.

    Raises:
        NotFound: If it is gone.
    """
    for folder in reversed(saved(store)):
        if context_fingerprint(folder, space.fused) == space.fingerprint:
            return folder
    raise NotFound(
        f"{space.made_by}, which made the contextual vectors, is not in {_checkpoints(store)};"
        " run `mediafm embed` with a checkpoint that is"
    )
