"""Conditions on shots in SQL, as `duration_s > 5 AND array_contains(genres, 'Drama')`."""

from collections.abc import Callable

import polars as pl
import pyarrow as pa

from mediafm_store.errors import InvalidInput, first_line
from mediafm_store.storage.bounds import check_bounds, excerpt
from mediafm_store.tables.schema import SHOTS, TITLES

_OF_SHOTS = {name: name for name in SHOTS.names if name != "revision"}
_OF_TITLES = {
    (f"title_{name}" if name in SHOTS.names else name): name
    for name in TITLES.names
    if name not in ("id", "revision", "sources")
}
"""Names of title columns in conditions -> columns."""
_COLUMNS: tuple[str, ...] = (*_OF_SHOTS, *_OF_TITLES)
_NAMES = frozenset(_COLUMNS)


def matching(
    where: str,
    shots: Callable[[str, str | None, list[str]], pa.Table],
    titles: Callable[[list[str]], pa.Table],
) -> pl.Series:
    """Ids of the shots that match a condition; only the columns that it names are read.

    It is a single expression, so it can name no other table or file.

    Raises:
        InvalidInput: If it cannot be parsed, is out of bounds (see `bounds`), or names unknown
            columns.
    """
    check_bounds(where, _NAMES)
    try:
        condition = pl.sql_expr(where)
        named = set(condition.meta.root_names())
    except (pl.exceptions.PolarsError, TypeError, UnicodeError) as error:
        raise _misunderstood(where, error) from error
    if not named:
        raise InvalidInput(
            f"the condition {excerpt(where)} names no column; there are {', '.join(_COLUMNS)}"
        )
    if unknown := named - _NAMES:
        raise InvalidInput(
            f"no column {min(unknown)!r} to filter by; there are {', '.join(_COLUMNS)}"
        )
    own = sorted({"id", "title", "revision"} | (named & _OF_SHOTS.keys()))
    frame = pl.DataFrame(pl.from_arrow(shots("shots", None, own)))
    if of_title := sorted(named - _OF_SHOTS.keys()):
        renamed = {_OF_TITLES[name]: name for name in of_title}
        rows = pl.DataFrame(pl.from_arrow(titles(["id", *renamed])))
        frame = frame.join(rows.rename({"id": "title", **renamed}), on="title")
    try:
        fulfilled = frame.select(condition.alias("fulfilled"))["fulfilled"]
        if len(fulfilled) != len(frame):
            raise InvalidInput(
                f"the condition {excerpt(where)} is on all shots together, not on each"
            )
        if fulfilled.dtype != pl.Boolean:
            raise InvalidInput(
                f"the condition {excerpt(where)} cannot be understood: it is not true or false"
            )
        return frame.filter(fulfilled)["id"]
    except pl.exceptions.PolarsError as error:
        raise _misunderstood(where, error) from error


def _misunderstood(where: str, error: Exception) -> InvalidInput:
    """A condition that Polars cannot make sense of."""
    reason = first_line(error)[:200]
    return InvalidInput(
        f"the condition {excerpt(where)} cannot be understood: {reason}; conditions look like"
        " \"duration_s > 5 AND array_contains(genres, 'Drama')\""
    )
