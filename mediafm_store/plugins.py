"""Find encoders, detectors, index kinds, exporters and timeline formats by name.

A plug-in is any importable callable. It is named either by an entry point of group
`mediafm_store.<kind>` or by its own path, `package.module:attribute`.
"""

import inspect
import re
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from mediafm_store.errors import InvalidInput, MediaFMError, NotFound, first_line

Kind = Literal["encoders", "detectors", "indexes", "exporters", "timelines"]
_NAME = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
_PATH = re.compile(f"{_NAME}:{_NAME}")


def names(kind: Kind) -> list[str]:
    """Names of all installed plug-ins of this kind, sorted."""
    return sorted(entry_points(group=f"mediafm_store.{kind}").names)


def is_path(name: str) -> bool:
    """True if a name is an import path `module:name`: whoever writes it chooses which code runs."""
    return _PATH.fullmatch(name) is not None


def runs_no_code(kind: Kind, name: str) -> bool:
    """True if a plug-in is of this package, so that no argument makes it run code."""
    own = entry_points(group=f"mediafm_store.{kind}", name=name)
    return any(point.value.startswith("mediafm_store.") for point in own)


def load(kind: Kind, name: str) -> Any:
    """Import and return the plug-in of this name.

    Raises:
        NotFound: If there is none.
        InvalidInput: If it cannot be called.
    """
    own = entry_points(group=f"mediafm_store.{kind}", name=name)
    points = [EntryPoint(name, name, "")] if is_path(name) else list(own)
    if not points:
        raise NotFound(
            f"no {kind[:-1]} plug-in {name!r}; installed: {', '.join(names(kind))}"
            " (or name one by its path, package.module:attribute)"
        )
    found = _imported(points[0])
    if not callable(found):
        raise InvalidInput(f"plug-in {name!r} is no class or function")
    return found


def _imported(point: EntryPoint) -> Any:
    """Import what an entry point names.

    Raises:
        NotFound: If it names nothing that can be imported.
    """
    try:
        return point.load()
    except Exception as error:  # a module may raise what it likes
        raise NotFound(f"plug-in {point.name!r} cannot be imported: {first_line(error)}") from error


def check_call(name: str, plugin: Any, /, *arguments: object, **named: object) -> None:
    """Raise InvalidInput if a plug-in does not take such arguments; it is not called for that."""
    try:
        inspect.signature(plugin).bind(*arguments, **named)
    except TypeError as error:
        wanted = ", ".join(["..."] * len(arguments) + [f"{n}=..." for n in named])
        raise InvalidInput(f"plug-in {name!r} cannot be called with ({wanted}): {error}") from error
    except ValueError:  # of some built-in ones nothing is known
        return


def make(name: str, plugin: Any, /, *arguments: object, **named: object) -> Any:
    """Call a plug-in with its arguments.

    Raises:
        InvalidInput: If it does not take them, or fails.
    """
    check_call(name, plugin, *arguments, **named)
    try:
        return plugin(*arguments, **named)
    except MediaFMError:
        raise
    except Exception as error:
        raise InvalidInput(f"plug-in {name!r} cannot be made: {first_line(error)}") from error
