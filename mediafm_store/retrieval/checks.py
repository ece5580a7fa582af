"""Checks of search arguments; those without a meaning are refused."""

import re
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np

from mediafm_store.arrays import MODALITIES, Modality
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.example import Example
from mediafm_store.likeness.scale import PARTS, Part
from mediafm_store.retrieval.query import SearchOptions, SearchQuery, Unit

_SURROGATES = re.compile("[\ud800-\udfff]")


def check_something(*, like: Sequence[Example], unlike: Sequence[str], words: str | None) -> None:
    """Raise InvalidInput if there is nothing to look for, or to take away from."""
    if unlike and not like and words is not None:
        raise InvalidInput(
            "what is not wanted is taken away from examples: give a shot, a title or a file too"
        )
    if not like and words is None:
        also = " beside what is not wanted" if unlike else ""
        raise InvalidInput(
            f"give something to search for{also}: a shot, a title, a clip, a picture, a sound, a"
            " text or words that are said"
        )


def modalities(weights: Mapping[Part, float]) -> dict[Modality, float]:
    """Weights of the modalities alone: vectors of a single space have no part for context."""
    return {m: weights[m] for m in MODALITIES if m in weights}


def check(query: SearchQuery, options: SearchOptions) -> None:
    """Refuse values that mean nothing, before anything is read.

    Raises:
        InvalidInput: A number, a weight, a unit, a text or a time cannot be used.
    """
    texts = {"text": query.text, "words that are said": query.said}
    _check_weights(options.weights, options.space if query.text is None else None)
    if options.k < 1:
        raise InvalidInput(f"k, the number of results, must be 1 or more, is {options.k}")
    if options.unit not in get_args(Unit):
        raise InvalidInput(f"unit must be one of {', '.join(get_args(Unit))}, is {options.unit!r}")
    if not 0 <= options.least <= 1:
        raise InvalidInput(f"least must lie between 0 and 1, is {options.least}")
    for name, given in texts.items():
        if given is not None and not given.strip():
            raise InvalidInput(f"nothing to search for: the {name} to find must not be empty")
    for name, given in {**texts, "condition": options.where}.items():
        if given is not None and _SURROGATES.search(given):
            raise InvalidInput(f"the {name} must be whole characters, not halves as in {given!a}")
    if query.title is None and not query.start_s is query.end_s is None:
        raise InvalidInput("a start or an end is of a title: name that too")


def _check_weights(weights: Mapping[Part, float], space: str | None) -> None:
    """Raise InvalidInput for weights that are no factors, or of what is not compared."""
    if not all(0 <= weight < np.inf for weight in weights.values()):
        raise InvalidInput(f"weights must be finite numbers from 0 on, are {dict(weights)}")
    if unknown := weights.keys() - set(PARTS):
        raise InvalidInput(f"{min(unknown)!r} is nothing to weigh; there are {', '.join(PARTS)}")
    if space is not None and "context" in weights:
        raise InvalidInput(
            f"where the vectors of one space are compared, context is no part of them: leave out"
            f" its weight, or the space {space}"
        )
