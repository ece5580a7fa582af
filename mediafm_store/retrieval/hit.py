"""An answer to a search, and why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.likeness.scale import Part
from mediafm_store.scenes.own_scene import OwnScene


@dataclass(frozen=True, slots=True)
class Hit:
    """A shot, a scene or a title that matches a query."""

    shot: str
    """The id of the shot that was found; of a scene or a title, the one that is most alike, or the
    middle one where titles were compared as a whole."""
    title: str
    start_s: float
    end_s: float
    """Times of the whole answer."""
    score: float
    """Similarity above that of two random shots, in standard deviations: 0 is usual,
    a shot and itself have 10 and more. With `space` a cosine, at most 1. Of several queries
    a mean, in which 1 is what the best answer to a random query has; of words that are said alone,
    BM25 as a share of the best."""
    chance: float | None
    """Probability that a random query finds something as good; None for words alone, or where
    there is nothing to compare with. Random queries leave out what lies around them."""
    shares: Mapping[Part, float]
    """Contribution of each part to the score."""
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
    """Description of the shot's look: see the column of that name."""


class RankedHits(list[Hit]):
    """Answers to a search, best first, with how they were compared and what was left out.

    Attributes:
        compared: Description of how shots were compared.
        chance: Probability that a random query finds something as good as the best answer, in
            [0, 1]; None for words alone, or where there is nothing to compare.
        origin: Position in the store that the query clip was cut from; None if it was not found.
    """

    def __init__(
        self,
        hits: Iterable[Hit] = (),
        *,
        compared: str,
        chance: float | None = None,
        own_scene: Callable[[], OwnScene | None] | None = None,
        origin: ClipMatch | None = None,
    ) -> None:
        super().__init__(hits)
        self.compared, self.chance, self.origin = compared, chance, origin
        self._own_scene = own_scene

    @cached_property
    def own_scene(self) -> OwnScene | None:
        """The scene that was asked with, which is no answer; None if there is none.

        Found when it is first asked for: to cut a title into scenes takes longer than a search.
        """
        return self._own_scene() if self._own_scene else None
