"""Rank the cuts of a title as places for an ad break."""

from mediafm_store.ad_breaks.facts import read_break_context
from mediafm_store.ad_breaks.labelled import weights_of
from mediafm_store.ad_breaks.rails import USUAL, Rails, closed, held_back, within_rails
from mediafm_store.ad_breaks.record import Break
from mediafm_store.ad_breaks.score import Weights, score_cuts
from mediafm_store.store.store import Store


def rank_breaks(
    store: Store,
    title: str,
    *,
    rails: Rails = USUAL,
    k: int | None = 5,
    weights: Weights | None = None,
) -> list[Break]:
    """The best `k` cuts of a title that keep to the rails, best first; all of them if it is None.

    `weights` of the signs are by default those that the store's labels of breaks give, or fixed
    ones where there are too few: see `weights_of`. Raises NotFound for an unknown title, BadInput
    for one that is not embedded.
    """
    facts = read_break_context(store, title)
    ranked = score_cuts(facts, weights or weights_of(store))
    return within_rails(ranked, rails, closed(facts, rails))[:k]


def rank_cuts(store: Store, title: str, *, weights: Weights | None = None) -> list[Break]:
    """Every cut of a title, best first, without guard rails."""
    return score_cuts(read_break_context(store, title), weights or weights_of(store))


def why_none(store: Store, title: str, rails: Rails = USUAL) -> dict[str, int]:
    """How many cuts of a title each guard rail rules out."""
    facts = read_break_context(store, title)
    return held_back(score_cuts(facts, weights_of(store)), closed(facts, rails))
