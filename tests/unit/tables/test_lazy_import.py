import subprocess
import sys

import pytest

from mediafm_store.tables.lazy_import import init_later


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "slowpoke").mkdir()
    (tmp_path / "slowpoke/__init__.py").write_text("from slowpoke.other import B\nwhole = True\n")
    (tmp_path / "slowpoke/part.py").write_text("A = 1\n")
    (tmp_path / "slowpoke/other.py").write_text("B = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "slowpoke"
    for name in [n for n in sys.modules if n.partition(".")[0] == "slowpoke"]:
        del sys.modules[name]


def test_a_part_does_not_load_the_whole(package):
    init_later(package)
    from slowpoke.part import A

    assert A == 1
    assert "slowpoke.other" not in sys.modules


def test_the_whole_is_loaded_when_it_is_asked_for(package):
    init_later(package)
    import slowpoke
    from slowpoke import B

    assert (B, slowpoke.whole) == (2, True)
    assert "slowpoke.other" in sys.modules
    with pytest.raises(AttributeError):
        slowpoke.nothing  # noqa: B018


def test_a_package_that_is_not_there_stays_away():
    init_later("no_such_package")
    assert "no_such_package" not in sys.modules


def test_opening_a_store_does_not_load_the_client_of_the_rest_service():
    code = "import sys, mediafm_store.tables.lancedb_tables; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lancedb" in out.stdout.split()
    assert "lance_namespace_urllib3_client.api" not in out.stdout.split()
