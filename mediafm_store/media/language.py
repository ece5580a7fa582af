"""Names of languages, as file names and containers write them (langcodes)."""

import langcodes

from mediafm_store.errors import BadInput

NEAR = 10
"""Largest distance (Unicode CLDR's) of languages whose readers understand each other."""


def standard(tag: str | None) -> str | None:
    """`ger`, `deu` and `de` are `de`; None for what is no language, or says that it is unknown."""
    if not tag or not langcodes.tag_is_valid(tag):
        return None
    found = langcodes.standardize_tag(tag)
    return None if found.partition("-")[0] in {"und", "mul", "zxx", "mis"} else found


def wished(tag: str) -> str:
    """The language that a user names; raise BadInput if there is none of that name."""
    found = standard(tag)
    if found is None:
        raise BadInput(f"{tag!r} is not a language; name it by its code, such as de or pt-BR")
    return found


def distance(wish: str, language: str) -> int:
    """0 for the same language, some units for its regional forms, over `NEAR` for others."""
    return langcodes.tag_distance(wish, language)
