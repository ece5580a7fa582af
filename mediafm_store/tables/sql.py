"""Conditions in SQL."""

from collections.abc import Sequence


def quoted(text: str) -> str:
    """A string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Sequence[str]) -> str:
    """An SQL condition: the column has one of the values."""
    return f"{column} IN ({', '.join(map(quoted, values))})" if values else "false"
