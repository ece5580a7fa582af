import inspect
import subprocess
import sys

import mediafm_store
from mediafm_store import Ad
from mediafm_store.ads.ads import read_ads
from mediafm_store.clips.cut import cut
from mediafm_store.exporters import export
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.labels.labels import import_labels
from mediafm_store.segments import segments_of_shots
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.writers import write_timeline
from tests.conftest import random_vectors, title_rows
from tests.helpers.odd_films import make_film, pictures


def test_all_public_names_resolve():
    assert mediafm_store.__all__ == sorted(mediafm_store.__all__)
    for name in mediafm_store.__all__:
        found = getattr(mediafm_store, name)
        assert getattr(found, "__name__", name) in {name, "Callable"}


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(mediafm_store, "nope")


def test_import_is_light():
    heavy = "('torch', 'faiss', 'lancedb', 'av', 'onnxruntime', 'rich', 'numpy')"
    code = f"import sys, mediafm_cli.main; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_what_needs_no_model_is_there_without_torch():
    """Each takes more than a second to import, at every start of the command."""
    light = [
        "releases.spaces",
        "probing.predict",
        "tags.apply",
        "ad_breaks.rank",
        "evaluation.history",
        "retrieval.search",
        "ingestion.ingest",
    ]
    names = [f"mediafm_store.{name}" for name in light]
    shown = "[m for m in ('torch', 'sklearn') if m in sys.modules]"
    code = f"import sys, {', '.join(names)}; print({shown})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_path_may_be_a_text():
    """Of all that is called; what is made by others holds paths."""
    told = []
    for name in mediafm_store.__all__:
        found = getattr(mediafm_store, name)
        if inspect.isfunction(found):
            for parameter in inspect.signature(found).parameters.values():
                annotation = str(parameter.annotation)
                if "Path" in annotation and "str | pathlib" not in annotation:
                    told.append(f"{name}({parameter})")
    given = [one for one in told if "Callable" not in one and "damaged:" not in one]
    assert given == [], "`damaged` are folders as an index lists them"


def test_paths_as_texts(store, tmp_path, plain_encoders):
    film, folder = str(tmp_path / "film.mp4"), str(tmp_path)
    make_film(tmp_path / "film.mp4", images=list(pictures(48)))
    for paths in (film, folder, tmp_path, [film]):
        (result,) = ingest(store, paths, encoders=plain_encoders)
        assert result.title == "film"
    shots = segments_of_shots(store, ["film/0"])
    write_timeline(f"{folder}/shots.edl", shots)
    assert export(store, "shots", f"{folder}/shots.parquet") == [tmp_path / "shots.parquet"]
    (clip,) = cut(shots, f"{folder}/clips")
    assert clip.file.parent == tmp_path / "clips"
    (tmp_path / "ads.jsonl").write_text('{"id": "a", "video": "film.mp4"}')
    assert read_ads(f"{folder}/ads.jsonl") == [Ad("a", video=tmp_path / "film.mp4")]
    (tmp_path / "genre.csv").write_text("title,label\nfilm,Drama\n")
    assert import_labels(store, f"{folder}/genre.csv")[0].items == 1


def test_a_store_says_what_it_is(store):
    store.add_title(title_rows(store, "alpha", random_vectors(4)))
    assert repr(store) == (
        f"<Store {str(store.path)!r}: 1 titles, 4 shots, described_v1 fused_v1 metadata_v1>"
    )
    assert "0 titles, 0 shots, no vectors" in repr(Storage(f"{store.path}2", create=True))
