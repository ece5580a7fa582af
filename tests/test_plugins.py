import pytest

from mediafm_store.errors import NotFound
from mediafm_store.plugins import load, names


def test_a_path_needs_no_entry_point():
    assert load("detectors", "mediafm_store.media.detectors:adaptive") is load(
        "detectors", "adaptive"
    )


def test_what_is_not_installed_is_told():
    with pytest.raises(NotFound, match="adaptive"):
        load("detectors", "nope")
    with pytest.raises(NotFound, match="cannot be imported"):
        load("detectors", "mediafm_store.nope:x")


@pytest.mark.parametrize("kind", ["encoders", "detectors", "indexes"])
def test_every_plugin_loads(kind):
    assert names(kind)
    for name in names(kind):
        assert callable(load(kind, name))
