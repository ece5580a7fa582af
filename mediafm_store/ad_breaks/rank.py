"""Rank the cuts of a title as places for an ad break."""

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ad_breaks.constraints import (
    USUAL,
    BreakConstraints,
    closed,
    held_back,
    within_constraints,
)
from mediafm_store.ad_breaks.context import read_break_context
from mediafm_store.ad_breaks.learned_weights import weights_of
from mediafm_store.ad_breaks.score import BreakWeights, score_cuts
from mediafm_store.storage.storage import Storage


def rank_breaks(
    store: Storage,
    title: str,
    *,
    constraints: BreakConstraints = USUAL,
    k: int | None = 5,
    weights: BreakWeights | None = None,
) -> list[AdBreak]:
    """Rank the cuts of a title as places for ad breaks.

    Args:
        store: The store that has the title.
        title: Id of the title.
        constraints: Limits that the list respects.
        k: Number of breaks; None for all.
        weights: Weights of the cut features; None for those learned from the store's labels, or the
            defaults where there are too few (see `weights_of`).

    Returns:
        Breaks, best first.

    Raises:
        NotFound: The title is unknown.
        InvalidInput: The title is not embedded.
    """
    facts = read_break_context(store, title)
    ranked = score_cuts(facts, weights or weights_of(store))
    return within_constraints(ranked, constraints, closed(facts, constraints))[:k]


def _rank_cuts(store: Storage, title: str, *, weights: BreakWeights | None = None) -> list[AdBreak]:
    """Every cut of a title, best first, without guard constraints."""
    return score_cuts(read_break_context(store, title), weights or weights_of(store))


def why_none(store: Storage, title: str, constraints: BreakConstraints = USUAL) -> dict[str, int]:
    """Number of cuts of a title that each limit rules out."""
    facts = read_break_context(store, title)
    return held_back(score_cuts(facts, weights_of(store)), closed(facts, constraints))
