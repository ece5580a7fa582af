"""Names of languages, as file names and containers write them (langcodes)."""

import langcodes

from mediafm_store.errors import InvalidInput

NEAR = 10
"""Largest distance (Unicode CLDR's) of languages whose readers understand each other."""

_NAMES = """
ar arabic
bg bulgarian
bn bengali
ca catalan català
cs czech čeština
da danish dansk
de german deutsch
el greek
en english
es spanish español
et estonian
fa persian farsi
fi finnish suomi
fr french français
he hebrew
hi hindi
hr croatian hrvatski
hu hungarian magyar
id indonesian
is icelandic
it italian italiano
ja japanese 日本語
ko korean 한국어
lt lithuanian
lv latvian
ms malay
nb norwegian norsk
nl dutch nederlands
pl polish polski
pt portuguese português
ro romanian română
ru russian русский
sk slovak
sl slovenian
sr serbian
sv swedish svenska
ta tamil
te telugu
th thai
tr turkish türkçe
uk ukrainian українська
ur urdu
vi vietnamese
zh chinese 中文
"""
"""Languages that file names may spell out, in English or as their speakers call them."""
_CODES = {name: code for code, *names in map(str.split, _NAMES.split("\n")[1:-1]) for name in names}


def spelled_out(word: str) -> str | None:
    """Language code of a lower-case word, such as `de` for `german` and `deutsch`; else None."""
    return _CODES.get(word)


def standard(tag: str | None) -> str | None:
    """Standard form of a language tag: `ger`, `deu` and `de` are `de`.

    None for an invalid tag, or one that means an unknown language.
    """
    if not tag or not langcodes.tag_is_valid(tag):
        return None
    found = langcodes.standardize_tag(tag)
    return None if found.partition("-")[0] in {"und", "mul", "zxx", "mis"} else found


def wished(tag: str) -> str:
    """Code of the language that a user names.

    Raises:
        InvalidInput: If there is no language of that name.
    """
    found = standard(tag)
    if found is None:
        raise InvalidInput(f"{tag!r} is not a language; name it by its code, such as de or pt-BR")
    return found


def distance(wish: str, language: str) -> int:
    """Distance of a language from the requested one.

    0 for the same language, a little more for its regional forms, over `NEAR` for others.
    """
    return langcodes.tag_distance(wish, language)
