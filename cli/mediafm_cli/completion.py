"""What a shell completes from the store: titles, spaces and tasks."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage


def complete_titles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of titles."""
    store = _store_of(ctx)
    return [] if store is None else _starting(store.titles()["id"].to_list(), incomplete)


def complete_spaces(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of spaces."""
    store = _store_of(ctx)
    return [] if store is None else _starting(_spaces(store), incomplete)


def complete_tasks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Tasks that have labels."""
    store = _store_of(ctx)
    return [] if store is None else _starting(store.rows("labels")["task"].to_list(), incomplete)


def _spaces(store: "Storage") -> list[str]:
    return [row["name"] for row in store.registry.rows()]


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    """Names that start with what was typed, each once."""
    return sorted({name for name in names if name.startswith(incomplete)})


def _store_of(ctx: typer.Context) -> "Storage | None":
    """The store of the command line; None if it cannot be read: a shell shows no errors."""
    from mediafm_store.errors import MediaFMError
    from mediafm_store.storage.storage import Storage

    try:
        return Storage(str(ctx.params["store"]))
    except (MediaFMError, OSError):
        return None
