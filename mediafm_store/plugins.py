"""Find encoders, detectors, index kinds and exporters by name.

A plug-in is any importable callable. It is named either by an entry point of group
`mediafm_store.<kind>` or by its own path, `package.module:attribute`.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from mediafm_store.errors import NotFound

Kind = Literal["encoders", "detectors", "indexes", "exporters"]


def names(kind: Kind) -> list[str]:
    """All installed plug-ins of this kind, sorted."""
    return sorted(entry_points(group=f"mediafm_store.{kind}").names)


def load(kind: Kind, name: str) -> Any:
    """Import and return the plug-in called `name`; raise NotFound if there is none."""
    if ":" in name:
        try:
            return EntryPoint(name, name, "").load()
        except (ImportError, AttributeError) as error:
            raise NotFound(f"plug-in {name!r} cannot be imported: {error}") from error
    for point in entry_points(group=f"mediafm_store.{kind}", name=name):
        return point.load()
    raise NotFound(
        f"no {kind[:-1]} plug-in {name!r}; installed: {', '.join(names(kind))}"
        " (or name one by its path, package.module:attribute)"
    )
