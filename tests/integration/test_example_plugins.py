"""The plug-ins in examples/ are found where they are installed, and keep every contract."""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from typing import get_args

import pytest

from mediafm_store.plugins import Kind, load, names
from mediafm_store.timelines.writers import write_timeline
from tests.conftest import ROOT
from tests.helpers.installed import install
from tests.helpers.timelines import two_segments

PACKAGE = ROOT / "examples" / "plugins"
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
PLUGINS = {
    group.removeprefix("mediafm_store."): points
    for group, points in PROJECT["entry-points"].items()
}
CASES = {
    "test_encoder.py": 10,
    "test_detector.py": 19,
    "test_index.py": 2,
    "test_exporter.py": 3,
    "test_timeline_writer.py": 6,
}
"""Cases of each contract that its example passes."""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder of installed packages with the example plug-ins."""
    for kind, points in PLUGINS.items():
        install(tmp_path, kind, **points)
    monkeypatch.syspath_prepend(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_there_is_one_of_each_kind(installed):
    assert sorted(PLUGINS) == sorted(get_args(Kind))
    for kind, points in PLUGINS.items():
        (name,) = points
        assert name in names(kind)
        module = sys.modules[load(kind, name).__module__]
        assert f'[project.entry-points."mediafm_store.{kind}"]' in module.__doc__
        assert f'{name} = "{points[name]}"' in module.__doc__


def test_the_table_has_every_segment(installed, tmp_path):
    write_timeline(tmp_path / "cut.markdown", two_segments(label="a|b", note="c"))
    assert (tmp_path / "cut.markdown").read_text().splitlines()[4:] == [
        "| a&#124;b | 0.400 | 2.400 | c |",
        "| a&#124;b | 3.400 | 5.400 | c |",
    ]


@pytest.mark.slow
def test_examples_keep_the_contracts(installed):
    chosen = " or ".join(name for points in PLUGINS.values() for name in points)
    path = [installed, PACKAGE, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contracts", "-k", chosen, "-q", "-rp"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert Counter(re.findall(r"^PASSED .*?/(\w+\.py)::", done.stdout, re.M)) == CASES
