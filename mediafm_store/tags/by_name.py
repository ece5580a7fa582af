"""Tags by their names: titles with shots of which the name could be said."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput
from mediafm_store.retrieval.hit import Hit
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.tag import PROPOSALS, TEXT, Tag

_LEAST = 0.9
"""Share of everyday texts that must find nothing as good in the whole store."""
_SHOTS_A_TITLE, _MOST_SHOTS = 20, 2000
"""Shots per title that are searched for a name, on average and at most: each takes
some 40 kB."""
_EVIDENCE = 3


def from_names(
    store: Storage,
    titles: Collection[str],
    names: Sequence[str],
    *,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
) -> list[Tag]:
    """The tags of `names` for titles whose shots they describe."""
    if not all(name.strip() for name in names):
        raise InvalidInput("a tag to look for must have a name: --name 'car chase'")
    found, wanted = [], set(titles)
    for name in dict.fromkeys(names):
        hits = search(
            store,
            SearchQuery(text=name),
            SearchOptions(
                k=min(_MOST_SHOTS, _SHOTS_A_TITLE * len(store.revisions())), least=0.0, fold=False
            ),
            encoders=encoders,
            device=device,
        )
        shots: dict[str, list[Hit]] = defaultdict(list)
        for hit in hits:
            if hit.chance is not None and 1 - hit.chance >= _LEAST:
                shots[hit.title].append(hit)
        for title in wanted & shots.keys():
            evidence = tuple(h.shot for h in shots[title][:_EVIDENCE])
            score = max(1 - (hit.chance or 0.0) for hit in shots[title])
            found.append(Tag(PROPOSALS, title, name, score, _LEAST, TEXT, evidence))
    return sorted(found, key=lambda tag: (tag.title, -tag.score, tag.tag))
