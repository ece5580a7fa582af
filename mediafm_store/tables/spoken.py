"""Words that are said, as a query of the full-text index."""

import re
from itertools import islice

from lancedb.query import BooleanQuery, FullTextQuery, MatchQuery, Occur, PhraseQuery

from mediafm_store.text_files.plain_text import APOSTROPHE, straight

_PHRASE = re.compile(r'["“„«]([^"“”„«»]+)["”“»]')
_FORMS = ("'", "\u2019", "\u2018", "\u02bc", " ")
"""Forms of an apostrophe in the index, which distinguishes these, and ends a word at all others."""
_MOST_PARTED = 16
"""Words that are looked for in two parts as well."""


def full_text_query(words: str, column: str) -> FullTextQuery:
    """Any of the words, or if they are in quotes all of them in a row.

    Texts write apostrophes in several ways, and so do people: each finds all.
    """
    exact = _PHRASE.fullmatch(words.strip())
    plain = straight(exact[1] if exact else words)
    if "'" not in plain:
        return PhraseQuery(plain, column) if exact else MatchQuery(plain, column)
    if exact:
        return _any_of(*(PhraseQuery(plain.replace("'", form), column) for form in _FORMS))
    written = " ".join(plain.replace("'", form) for form in _FORMS[:-1])
    parted = (word.replace("'", " ") for word in plain.split() if APOSTROPHE.search(word))
    phrases = [PhraseQuery(word, column) for word in islice(dict.fromkeys(parted), _MOST_PARTED)]
    return _any_of(MatchQuery(written, column), *phrases)


def _any_of(*queries: FullTextQuery) -> FullTextQuery:
    """Query that matches what at least one of several queries matches."""
    return BooleanQuery([(Occur.SHOULD, query) for query in queries])
