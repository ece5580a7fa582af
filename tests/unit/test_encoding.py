import pickle
from importlib.metadata import EntryPoint, EntryPoints, entry_points

import pytest

from mediafm_store.encoding import (
    LoadedEncoders,
    load_encoder,
    load_encoders,
    made_by,
    resolve_device,
)
from mediafm_store.encoding import _fingerprints as fingerprints
from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.ingestion.backfill import backfill
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search
from tests.helpers.command import mediafm
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import PlainEncoder


def test_a_gpu_is_taken_where_there_is_one_and_never_silently_left_out():
    assert resolve_device("auto", lambda: True) == "cuda"
    assert resolve_device("auto", lambda: False) == "cpu"
    assert resolve_device("cpu", lambda: True) == "cpu"
    assert resolve_device("cuda", lambda: True) == "cuda"
    with pytest.raises(InvalidInput, match="--device cpu"):
        resolve_device("cuda", lambda: False)


def test_encoders_are_found_by_name_and_by_path():
    names = ("mediafm_store.encoders.efficientnet:EfficientNetLite0", "yamnet", "minilm-l6")
    assert made_by(load_encoders(names, device="cpu")) == "efficientnet-lite0 + yamnet + minilm-l6"
    with pytest.raises(NotFound, match="yamnet"):
        load_encoders(["nope"], device="cpu")


def test_workers_without_a_gpu_load_what_a_driver_has_on_its_own(encoders, monkeypatch):
    monkeypatch.setattr("mediafm_store.encoding._cuda_available", lambda: False)
    there = pickle.loads(pickle.dumps(LoadedEncoders(encoders, {}, "cuda", ["visual"])))
    assert fingerprints(there) == fingerprints(encoders)
    assert there.on_gpu == set()


def takes_device(text="", *, device):
    """A plug-in that computes with torch, as it does not say otherwise."""
    return PlainEncoder("text", f"on {device}")


def takes_device_of_onnx(text="", *, device):
    return PlainEncoder("text", f"on {device}")


takes_device_of_onnx.runtime = "onnx"


def takes_device_of_nothing(*, device):
    return PlainEncoder("text")


takes_device_of_nothing.runtime = "abacus"


@pytest.mark.parametrize("argument", ["", "=x"])
@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_the_device_follows_from_the_runtime_of_a_plugin(monkeypatch, runtime, argument):
    monkeypatch.setattr("mediafm_store.encoding._cuda_available", lambda: runtime == "torch")
    monkeypatch.setattr("mediafm_store.encoding._onnx_has_gpu", lambda: runtime == "onnx")
    for plugin, own in (("takes_device", "torch"), ("takes_device_of_onnx", "onnx")):
        encoder = load_encoder(f"tests.unit.test_encoding:{plugin}{argument}", "auto")
        assert encoder.fingerprint == ("on cuda" if own == runtime else "on cpu")
    names = [
        "tests.helpers.plain:visual",
        "tests.helpers.plain:audio",
        "tests.unit.test_encoding:takes_device_of_onnx",
    ]
    loaded = load_encoders(names, device="auto")
    assert loaded.on_gpu == ({"visual", "audio"} if runtime == "torch" else {"text"})


def test_a_runtime_that_does_not_exist_is_refused():
    with pytest.raises(InvalidInput, match="runtime 'abacus'; use one of torch, onnx"):
        load_encoder("tests.unit.test_encoding:takes_device_of_nothing", "auto")


OWN = ["own-visual", "own-audio", "own-text=7"]
PATHS = ["tests.helpers.plain:visual", "tests.helpers.plain:audio", "tests.helpers.plain:text"]


def own_text(number="0", *, device):
    """A plug-in of somebody's package, with an argument."""
    return PlainEncoder("text", f"plain {number}")


def install(monkeypatch, *names):
    """Entry points, beside those that are installed."""
    values = {"own-text": "tests.unit.test_encoding:own_text"}
    own = [
        EntryPoint(
            n, values.get(n, n.replace("own-", "tests.helpers.plain:")), "mediafm_store.encoders"
        )
        for n in names
    ]

    def found(**asked):
        return EntryPoints([*entry_points(**asked), *EntryPoints(own).select(**asked)])

    monkeypatch.setattr("mediafm_store.plugins.entry_points", found)


@pytest.fixture
def installed(monkeypatch):
    install(monkeypatch, "own-visual", "own-audio", "own-text")


@pytest.fixture
def film(tmp_path):
    make_film(tmp_path / "film.mp4", images=list(pictures(24)))
    return tmp_path / "film.mp4"


@pytest.fixture
def made(tmp_path, film, installed):
    """A store of a film, made with encoders that are installed."""
    store = Storage(tmp_path / "made", create=True)
    ingest(store, film, encoders=load_encoders(["own-visual", "own-audio"], device="cpu"))
    return store


def test_a_store_knows_its_encoders(made, film, tmp_path):
    known = {u.modality: u.plugin for u in made.live("fused").encoders}
    assert known == {"visual": "own-visual", "audio": "own-audio", "text": "minilm-l6"}
    assert search(made, text="a lake", least=0.0)
    (copy := tmp_path / "other.mp4").write_bytes(film.read_bytes())
    for asked in (
        ("ingest", copy, "--title", "other"),
        ("search", "--text", "a lake"),
        ("search", "--clip", film),
        ("tags", "apply", "--name", "lake"),
    ):
        done = mediafm(*asked, "--store", made.path)
        assert done.returncode == 0, done.stderr
    assert len(made.titles()) == 2


def test_what_is_named_takes_the_place_of_what_a_store_knows(made):
    encoders = load_encoders(["own-text=7"], device="cpu", store=made)
    assert {m: e.name for m, e in encoders.items()} == {
        m: f"plain-{m}" for m in ("visual", "audio", "text")
    }
    assert encoders["text"].fingerprint == "plain 7"
    backfill(made, encoders)
    (new,) = (s for s in made.spaces() if s.name == "fused" and not s.live)
    assert [u.plugin for u in new.encoders] == ["own-visual", "own-audio", "own-text=7"]


@pytest.mark.parametrize("names", [PATHS, OWN])
def test_a_store_does_not_choose_which_code_runs(store, film, installed, names, monkeypatch):
    """Neither by a path, nor by an argument of somebody's plug-in."""
    ingest(store, film, encoders=load_encoders(names, device="cpu"))
    monkeypatch.setattr("mediafm_store.plugins._imported", lambda point: pytest.fail(point.name))
    with pytest.raises(
        InvalidInput, match=f"if you trust it, add .*--encoder {names[-1]}$"
    ) as told:
        search(store, text="a lake")
    assert "\n" not in str(told.value)


def test_paths_are_named_at_every_command(store, film):
    ingest(store, film, encoders=load_encoders(PATHS, device="cpu"))
    given = [f"--encoder={name}" for name in PATHS]
    done = mediafm("search", "--text", "a lake", "--store", store.path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert mediafm("search", "--text", "a lake", "--store", store.path, *given).returncode == 0


def test_an_encoder_that_is_not_here_as_it_was_is_told(made, monkeypatch):
    monkeypatch.setattr(
        "tests.helpers.plain.visual", lambda *, device: PlainEncoder("visual", "newer")
    )
    with pytest.raises(SpaceMismatch, match=r"visual .* own-visual of fingerprint plain, .* newer"):
        search(made, text="a lake")
    monkeypatch.undo()
    install(monkeypatch, "own-audio")
    with pytest.raises(NotFound, match=r"visual .* 'own-visual', which is not here: install it"):
        search(made, text="a lake")


def test_a_model_in_a_folder_is_found_from_another_and_where_it_went(
    store, film, tmp_path, monkeypatch
):
    """Its name is kept as an absolute path, and that of the last ingest is known."""
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path)
        encoders = load_encoders([f"tests.unit.test_encoding:own_text={folder}"], device="cpu")
        encoders["text"].fingerprint = "plain"
        ingest(store, film, encoders=encoders)
        name = store.live("fused").encoders[-1].plugin
        assert name == f"tests.unit.test_encoding:own_text={tmp_path / folder}"


def test_objects_have_no_names(store, film, plain_encoders):
    ingest(store, film, encoders=plain_encoders)
    assert store.live("fused").encoders == ()
    with pytest.raises(SpaceMismatch, match="made by plain-visual"):
        search(store, text="a lake")
