"""Conditions in SQL."""

from collections.abc import Sequence


def quoted(text: str) -> str:
    """String literal in SQL.

    Example:
        >>> quoted("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Sequence[str]) -> str:
    """SQL condition: the column has one of the values."""
    return f"{column} IN ({', '.join(map(quoted, values))})" if values else "false"
