"""Tags by their names: titles with shots of which the name could be said."""

from collections.abc import Collection, Sequence

from mediafm_store.features.encoders import Encoders
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.search import search
from mediafm_store.tasks.tags.tag import TEXT, Tag

LEAST = 0.99
"""Share of random pairs of texts and shots that must be less alike."""
SHOTS_A_TITLE = 20
"""So many shots a title are looked through for a name, on average."""
EVIDENCE = 3


def from_names(
    store: Store,
    titles: Collection[str],
    names: Sequence[str],
    *,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
) -> list[Tag]:
    """The tags of `names` for titles whose shots they describe."""
    found = []
    for name in dict.fromkeys(names):
        hits = search(
            store,
            text=name,
            k=SHOTS_A_TITLE * len(store.revisions()),
            least=LEAST,
            fold=False,
            encoders=encoders,
            device=device,
        )
        for title in dict.fromkeys(h.title for h in hits if h.title in titles):
            own = [h for h in hits if h.title == title]
            evidence = tuple(h.shot for h in own[:EVIDENCE])
            found.append(Tag(title, name, own[0].percentile or 0.0, LEAST, TEXT, evidence))
    return found
