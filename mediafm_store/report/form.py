"""The search form of served pages: its fields, which are those of the addresses of searches."""

from collections.abc import Mapping

from mediafm_store.likeness.scale import NAMES, Part

COUNTS: Mapping[str, Part] = {name: part for part, name in NAMES.items()}
"""What parts of a shot are called there."""
MOST_COUNT = 2
MOST_HITS = 200
USUAL: Mapping[str, str] = {"unit": "shot", "k": "12", **dict.fromkeys(COUNTS, "1")}
"""What fields say if nobody touches them; addresses leave it out."""
_FLAGS = ("exclude_same_title", "same_scene")
_OPTIONS = (*_FLAGS, *COUNTS, "where", "k", "title", "from", "to")
"""Fields that are folded away."""


def options_set(form: Mapping[str, str]) -> int:
    """Number of options that differ from their defaults."""
    return sum(form.get(name, "") not in ("", USUAL.get(name)) for name in _OPTIONS)
