"""Plug-ins are found by name or path, and held to what they promise."""

from typing import get_args

import numpy as np
import pytest

from mediafm_store import IndexConfig
from mediafm_store.encoding import load_encoders
from mediafm_store.errors import InvalidInput, MediaFMError, NotFound
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.ingestion.options import IngestOptions
from mediafm_store.plugins import Kind, load, names
from mediafm_store.timelines.writers import check_format, formats, write_timeline
from tests.helpers.asking import search
from tests.helpers.command import mediafm
from tests.helpers.installed import install
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import PlainEncoder
from tests.helpers.timelines import two_segments


def test_a_path_needs_no_entry_point():
    assert load("detectors", "mediafm_store.shots.detectors:adaptive") is load(
        "detectors", "adaptive"
    )


def test_what_is_not_installed_is_told():
    with pytest.raises(NotFound, match="adaptive"):
        load("detectors", "nope")
    with pytest.raises(NotFound, match="cannot be imported"):
        load("detectors", "mediafm_store.nope:x")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_plugin_loads(kind):
    assert names(kind)
    for name in names(kind):
        assert callable(load(kind, name))


ODD = ["", "=", "..:x", ".a:x", ":x", "x:", "a:b:c", "a b:c", "os:", "\ud83d:x", "sys", "os:path"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", get_args(Kind))
def test_odd_names_are_told(kind, name):
    with pytest.raises(MediaFMError, match="plug-in") as told:
        load(kind, name)
    assert "\n" not in str(told.value)


class Needy(PlainEncoder):
    """Wants what nobody gives it."""

    def __init__(self):
        super().__init__("text")


def failing(*, device):
    raise RuntimeError("no weights\nat all")


def none(*, device):
    return PlainEncoder("smell")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hf", r"'hf' cannot be called with \(device=...\): missing .*'model'"),
        ("yamnet=5", r"'yamnet=5' cannot be called with \(..., device=...\): too many"),
        ("yamnet=", "cannot be called"),
        ("os:system", "cannot be called"),
        ("json:dumps", "cannot be called"),
        ("json:dumps=5", "cannot be made"),
        ("builtins:dict", "makes no encoder; it has name, fingerprint"),
        ("tests.unit.test_plugins:Needy", "cannot be called"),
        ("tests.unit.test_plugins:failing", "cannot be made: no weights$"),
        ("tests.unit.test_plugins:none", "makes no encoder"),
    ],
)
def test_what_makes_no_encoder_is_told(name, told):
    with pytest.raises(InvalidInput, match=told):
        load_encoders([name], device="cpu")


def test_a_plugin_that_is_no_index_exporter_or_detector_is_told(store, tmp_path):
    with pytest.raises(InvalidInput, match="is a path"):
        IndexConfig(kind="os:system").kinds()
    (film := tmp_path / "x.mp4").touch()
    for name in ("os:getpid", "os:path"):
        done = mediafm("export", "titles", tmp_path / "x", "--format", name, "--store", store.path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        with pytest.raises(InvalidInput, match="plug-in"):
            ingest(store, [film], IngestOptions(detector=name), encoders={})


class Odd(PlainEncoder):
    """Its vectors are as they are told to be."""

    def __init__(self, modality, make):
        super().__init__(modality)
        self.make = make

    def encode(self, items):
        rows = self.make(len(items))
        return super().encode(items)._replace(blocks=rows, described=rows)

    def encode_query(self, texts):
        return self.make(len(texts))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda n: np.zeros((n, 512), np.float32), r"gives vectors of shape \(\d, 512\) .* 768"),
        (lambda n: np.zeros((n + 1, 768), np.float32), r"gives vectors of shape \(\d, 768\)"),
        (lambda n: np.full((n, 768), np.nan, np.float32), "not finite"),
        (lambda n: [[0.0] * 5] * n, r"shape \(\d, 5\)"),
    ],
)
def test_vectors_of_another_width_are_told(store, tmp_path, plain_encoders, make, told):
    film = tmp_path / "film.mp4"
    make_film(film, images=list(pictures(24)))
    for modality in ("visual", "text"):
        odd = {**plain_encoders, modality: Odd(modality, make)}
        (result,) = ingest(store, [film], encoders=odd)
        assert result.state == "failed"
        assert f"plain-{modality} gives" in result.error
        assert "\n" not in result.error
    assert store.titles().is_empty()
    ingest(store, [film], encoders=plain_encoders)
    with pytest.raises(InvalidInput, match=told):
        search(store, text="a lake", encoders={**plain_encoders, "text": Odd("text", make)})


OWN = (".edl", ".otio", ".fcpxml", ".csv", ".json", ".vtt")


def labels(segments, *, name, fps):
    """A timeline format: its edit's name, its rate, then a label a line."""
    return "\n".join([name, str(fps), *(segment.label for segment in segments)])


def numbers(segments, *, name, fps):
    return len(segments)


def test_timeline_formats_are_plugins(tmp_path, monkeypatch):
    assert formats() == OWN
    path, segments = tmp_path / "cut.labels", two_segments()
    with pytest.raises(InvalidInput, match=r"must end in \.edl, .*, \.json, \.vtt$"):
        write_timeline(path, segments)
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "timelines", labels="tests.unit.test_plugins:labels")
    assert formats() == (*OWN, ".labels")
    write_timeline(path, segments, fps=25)
    assert path.read_text() == "cut\n25\nfilm/00000\nfilm/00001"
    write_timeline(tmp_path / "x.txt", segments, file_format="labels")
    assert (tmp_path / "x.txt").read_text().startswith("x\nNone\n")
    with pytest.raises(InvalidInput, match=r"must end in \.edl, .*, \.vtt, \.labels$"):
        check_format(tmp_path / "x.aaf")


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (
            "tests.unit.test_plugins:numbers",
            InvalidInput,
            "'odd' gives int, not text",
        ),
        ("os:getpid", InvalidInput, r"'odd' cannot be called with \(..., name=..., fps=...\)"),
        ("os:path", InvalidInput, "'odd' is no class or function"),
        ("nope:x", NotFound, "'odd' cannot be imported: No module named 'nope'"),
    ],
)
def test_a_plugin_that_is_no_timeline_writer_is_told(tmp_path, monkeypatch, value, error, told):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "timelines", odd=value)
    with pytest.raises(error, match=told):
        write_timeline(tmp_path / "x.odd", two_segments())
    assert not (tmp_path / "x.odd").exists()
