"""Search by keywords, as tests ask: those of the query and those of its options together."""

from dataclasses import asdict, fields

from mediafm_store.retrieval.hit import RankedHits
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search as search_store

QUERY = {f.name for f in fields(SearchQuery)}
OPTIONS = {f.name for f in fields(SearchOptions)}


def search(store, **asked) -> RankedHits:
    """`search` of the library; an unknown keyword fails there."""
    query = SearchQuery(**{name: asked.pop(name) for name in QUERY & asked.keys()})
    options = SearchOptions(**{name: asked.pop(name) for name in OPTIONS & asked.keys()})
    return search_store(store, query, options, **asked)


def keywords(query: SearchQuery, options: SearchOptions, **more) -> dict:
    """What a search was called with, as keywords."""
    return asdict(query) | asdict(options) | more
