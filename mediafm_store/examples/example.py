"""Example shots of a query, and the check that a store can be compared with them."""

from typing import NamedTuple

from mediafm_store.arrays import Fused, Modality
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import made_by
from mediafm_store.errors import SpaceMismatch
from mediafm_store.features.fusion import fingerprint
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space


class Example(NamedTuple):
    """Shots whose similarity is sought, or avoided."""

    rows: Fused
    """One a shot in play order, in the space that is searched."""
    alone: Fused
    """Shots without their context."""
    lacks: frozenset[Modality] = frozenset()
    """Modalities that a file lacks; they are not compared."""
    ids: frozenset[str] = frozenset()
    """Shots of the store, which are no answers to themselves."""
    title: str | None = None
    whole: str | None = None
    """The title that they are all shots of."""


def check_encoders(store: Storage, space: Space, encoders: Encoders) -> None:
    """Raise SpaceMismatch unless these encoders made the vectors of `space`."""
    ours = fingerprint(space.name, list(encoders.values()))
    if ours != space.fingerprint:
        raise SpaceMismatch(
            f"the {space.name} vectors of {store.path} were made by {space.made_by}"
            f" (fingerprint {space.fingerprint}), the query by {made_by(encoders)} ({ours});"
            " query with the encoders that the store was made with"
        )
