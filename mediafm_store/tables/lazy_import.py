"""Import parts of a package without the rest of it."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType


def init_later(package: str) -> None:
    """Run `package`'s own __init__ when a name of it is first asked for, not when it is imported.

    Its submodules are imported as ever. Nothing happens where it is missing or loaded already.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is None or spec.loader is None:
        return
    loader = spec.loader

    class Later(ModuleType):
        def __getattr__(self, name: str) -> object:
            if self.__class__ is not Later or (name.startswith("__") and name.endswith("__")):
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            self.__class__ = ModuleType  # type: ignore[assignment]  # a module may change it
            loader.exec_module(self)
            return getattr(self, name)

    module = module_from_spec(spec)
    module.__class__ = Later
    sys.modules[package] = module
