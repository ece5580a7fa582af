"""An answer to a search, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from mediafm_store.arrays import Modality


@dataclass(frozen=True, slots=True)
class Hit:
    """A shot, a scene or a title that was found."""

    shot: str
    """The id of the shot that was found; of a scene or a title, the one that is most alike, or the
    middle one where titles were compared as a whole."""
    title: str
    start_s: float
    end_s: float
    """Of the whole answer."""
    score: float
    """Inner product with the query, at most 1; a cosine in the spaces fused and context. Of several
    queries at once a weighted mean; of words that are said alone, BM25 as a share of the best."""
    percentile: float | None
    """The share of random pairs in the store that are less alike, 0 to 1; None for words alone."""
    shares: Mapping[Modality, float]
    """What each modality adds to the score."""
    alone: float | None
    """The cosine of the same shots taken by themselves: high beside a low score it is the same
    picture at another moment. None unless shots were compared in context."""
    words: str
    seen: tuple[str, ...]
    heard: tuple[str, ...]
    shots: tuple[str, ...]
    """All shots of the answer in play order."""
    alike: tuple[str, ...]
    """The ids of near duplicates, best first: found too, but folded into this answer."""
    seen_p: tuple[float, ...] | None = None
    """The probability of each name, as the encoder says; None where it is not known."""
    heard_p: tuple[float, ...] | None = None
    looks: tuple[str, ...] = ()
    """What the shot looks like: see the column of that name."""
