"""How a probe is fitted."""

from dataclasses import dataclass

from mediafm_store.linear.linear_model import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeOptions:
    """What a probe is fitted to, and how it is measured."""

    kind: Kind | None = None
    """What labels are fitted as; default: tags if all are 0 or 1, else grades. "ranking" counts the
    order within a title only."""
    pool: str | None = None
    """What an item is as a vector (see `POOLS`); default: the best for titles, or for clips."""
    words: bool = False
    """Read a title's name and synopsis beside its vector."""
    folds: int = 5
    """Parts of the titles, each held out once."""
    seed: int = 0
    """Of the folds and the intervals."""
