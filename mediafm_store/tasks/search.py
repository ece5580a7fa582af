"""Find the shots most like a shot, a clip or a text."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES, Modality, pooled, shares, weigh
from mediafm_store.errors import BadInput, SpaceMismatch
from mediafm_store.features.extract import Encoders, extract
from mediafm_store.features.fuse import describe, fingerprint
from mediafm_store.features.passes import zeros
from mediafm_store.media.detectors import adaptive
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice, load_encoders, made_by
from mediafm_store.tasks.hit import Hit
from mediafm_store.tasks.importing.declared import is_imported
from mediafm_store.tasks.nearest import nearest
from mediafm_store.tasks.sources import read_title

log = logging.getLogger("mediafm_store")

WIDER = 5
"""So many times `k` are asked for where answers drop out that have nothing in common."""


class Query(NamedTuple):
    """What is looked for, in which space, and what must not be found."""

    vector: Float32[np.ndarray, "1 2304"]
    space: Space
    same_title: str | None = None
    """The title that the query comes from."""
    itself: str | None = None
    among: pl.Series | None = None
    """The ids that may be found; None: all."""


def search(
    store: Store,
    *,
    shot: str | None = None,
    clip: Path | None = None,
    text: str | None = None,
    space: Literal["fused", "context"] | None = None,
    weights: Mapping[Modality, float] | None = None,
    where: str | None = None,
    exclude_same_title: bool = False,
    k: int = 10,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
) -> list[Hit]:
    """The `k` best shots for one query: a shot's id, a video file, or words.

    Shots and clips are compared in `space` (default: context once titles are embedded, else
    fused), words in the space of descriptions. `weights` scales the modalities of the query, by
    1 where none is given. `where` is a condition in SQL on shots and their titles (see
    `Store.matching`); if there are `k` shots that fulfil it, as many are found. Raises NotFound or
    BadInput for a query that cannot be made.
    """
    if sum(q is not None for q in (shot, clip, text)) != 1:
        raise BadInput("give one of a shot, a clip or a text to search for")
    if exclude_same_title and shot is None:
        raise BadInput("only a shot's own title can be left out; a clip or a text has none")
    if not all(0 <= weight < np.inf for weight in (weights or {}).values()):
        raise BadInput(f"weights must be finite numbers from 0 on, are {weights}")
    if text is not None:
        query = text_query(store, text, encoders or load_encoders(device=device))
    else:
        chosen = store.registry.shot_space(space)
        tell_lacking(store, chosen)
        if shot is not None:
            query = shot_query(store, shot, chosen)
        else:
            assert clip is not None
            query = clip_query(
                store, clip, chosen, encoders or load_encoders(device=device), device
            )
    vector = weigh(query.vector, weights or {})
    if not vector.any():
        raise BadInput("nothing is left of the query: no modality that it has weighs more than 0")
    excluded = query.same_title if exclude_same_title else None
    among = None if where is None else store.matching(where)
    query = query._replace(vector=vector, same_title=excluded, among=among)
    return find(store, query, k, device)


def tell_lacking(store: Store, space: Space) -> None:
    """Warn of titles that cannot be found because they have no contextual vectors yet.

    Told by the title vectors, which are written and made live with them: a row a title is quick to
    look through at every search, a row a shot is not.
    """
    if space.name == "context" and (lacking := store.lacking(store.live("title"))):
        log.warning(
            "%d of %d titles have no context vectors and are not searched; run `mediafm embed`",
            len(lacking),
            len(store.titles()),
        )


def shot_query(store: Store, shot: str, space: Space) -> Query:
    """A shot of the store as a query."""
    row = store.shot(shot)
    vectors = store.vectors_by_id(space, [shot])
    if not vectors.ids:
        raise BadInput(f"shot {shot!r} has no {space.name} vector yet; run `mediafm embed`")
    return Query(vectors.vectors, space, same_title=row["title"], itself=shot)


def text_query(store: Store, text: str, encoders: Encoders) -> Query:
    """Words as a query: each modality is asked for the same, in the terms of its encoder."""
    if not text.strip():
        raise BadInput("the text to search for is empty")
    space = store.live("described")
    # Of imported shots only the words are known.
    asked: Encoders = {"text": encoders["text"]} if is_imported(space) else encoders
    check_encoders(store, space, asked)
    blocks = {m: asked[m].encode_query([text]) if m in asked else zeros(1) for m in MODALITIES}
    return Query(describe(blocks), space)


def clip_query(
    store: Store, clip: Path, space: Space, encoders: Encoders, device: DeviceChoice
) -> Query:
    """A video file as a query: the mean of its shots, taken alone, without a title around it."""
    if not clip.is_file():
        raise BadInput(f"{clip} is not a file; give a video to search for")
    if is_imported(store.live("fused")):
        raise BadInput(
            f"the vectors of {store.path} were imported, and no encoder makes such of a clip;"
            " search by a shot or a text"
        )
    check_encoders(store, store.live("fused"), encoders)
    features = extract(read_title(clip), encoders=encoders, detector=adaptive)
    vectors = features.fused
    if space.name == "context":
        # torch takes a second to import, which the other queries need not wait for.
        from mediafm_store.model.packed import TitleShots
        from mediafm_store.model.windows import embed_title
        from mediafm_store.tasks.checkpoints import checkpoint_of
        from mediafm_store.tasks.embed import open_model

        model = open_model(store, checkpoint_of(store, space), device)
        vectors = embed_title(model, TitleShots(vectors, features.metadata[0])).shots
    return Query(pooled(vectors), space)


def check_encoders(store: Store, space: Space, encoders: Encoders) -> None:
    """Raise SpaceMismatch unless these encoders made the vectors of `space`."""
    ours = fingerprint(space.name, list(encoders.values()))
    if ours != space.fingerprint:
        raise SpaceMismatch(
            f"the {space.name} vectors of {store.path} were made by {space.made_by}"
            f" (fingerprint {space.fingerprint}), the query by {made_by(encoders)} ({ours});"
            " query with the encoders that the store was made with"
        )


def find(store: Store, query: Query, k: int, device: DeviceChoice) -> list[Hit]:
    """The nearest shots that have something in common with the query."""
    without = {query.same_title} if query.same_title else set()
    for count in (k + 1, WIDER * k):
        near = nearest(
            store, query.space, query.vector, count, ids=query.among, without=without, device=device
        )
        # A shot that has nothing in common with the query, as no words where words are asked for,
        # is no answer.
        parts = shares(query.vector[0], near.vectors)
        compared = np.any([part != 0 for part in parts.values()], axis=0)
        wanted = [i for i, id in enumerate(near.ids) if compared[i] and id != query.itself]
        if len(wanted) >= k or len(near.ids) < count:
            break
    rows = store.shots_by_id([near.ids[i] for i in wanted[:k]])
    hits = []
    for i in wanted[:k]:
        row = rows.get(near.ids[i])
        if row is None:
            continue  # its title was replaced a moment ago
        hits.append(
            Hit(
                shot=row["id"],
                title=row["title"],
                start_s=row["start_s"],
                end_s=row["end_s"],
                score=float(sum(part[i] for part in parts.values())),
                percentile=None,
                alone=None,
                shares={m: float(part[i]) for m, part in parts.items()},
                words=row["words"],
                seen=tuple(row["seen"]),
                heard=tuple(row["heard"]),
                shots=(row["id"],),
                alike=(),
            )
        )
    return hits
