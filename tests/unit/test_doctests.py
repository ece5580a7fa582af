"""Examples in docstrings give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [
    ROOT / "mediafm_store",
    ROOT / "cli" / "mediafm_cli",
    ROOT / "indexes" / "mediafm_indexes",
]


def module_of(package: Path, file: Path) -> str:
    """The dotted name of a module's file."""
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = sorted(
    module_of(package, file)
    for package in PACKAGES
    for file in package.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 0
    assert failed == 0


def test_there_are_examples():
    assert "mediafm_indexes.recall" in MODULES
    assert "mediafm_store.arrays" in MODULES
