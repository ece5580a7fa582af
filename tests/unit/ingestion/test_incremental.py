"""What is made again when something changes, and what is not."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mediafm_store.arrays import block
from mediafm_store.errors import InvalidInput
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.ingestion.options import IngestOptions
from mediafm_store.sources import change_detection
from mediafm_store.storage.storage import Storage
from tests.helpers.odd_films import make_film, pictures

SRT = "1\n00:00:00,100 --> 00:00:00,900\n{}\n"


@pytest.fixture
def film(tmp_path):
    """A film of three shots with subtitles and metadata beside it."""
    path = make_film(
        tmp_path / "film.mp4", images=list(pictures(72, size=(96, 64))), sounds=["mono"]
    )
    path.with_suffix(".srt").write_text(SRT.format("Where are you?"))
    path.with_suffix(".json").write_text(json.dumps({"title": "A Film", "tags": ["one"]}))
    return path


@pytest.fixture
def again(film, store, plain_encoders):
    """Ingest the film once; call it to ingest it again."""
    (first,) = ingest(store, [film], encoders=plain_encoders)
    assert first.error == ""
    assert (first.state, first.shots, first.frames) == ("ingested", 3, 72)

    def run(**options):
        (result,) = ingest(store, [film], IngestOptions(**options), encoders=plain_encoders)
        assert result.error == ""
        return result

    return run


def vectors(store, space="fused"):
    return store.vectors(store.live(space)).vectors


def test_unchanged_files_are_not_read_again(again, store, film, monkeypatch):
    read = []
    digest = change_detection.hashlib.file_digest
    monkeypatch.setattr(
        change_detection.hashlib, "file_digest", lambda *a: read.append(a) or digest(*a)
    )
    assert again().state == "unchanged"
    assert read == []
    os.utime(film, ns=(1, 1))
    assert again().state == "unchanged"
    assert len(read) == 1  # the content decides, not the date
    assert again().state == "unchanged"
    assert len(read) == 1


def test_changed_subtitles_compute_the_words_alone(again, store, film):
    before, shots = vectors(store), store.shots()
    described = vectors(store, "described")
    film.with_suffix(".srt").write_text(SRT.format("Over there."))
    result = again()
    assert (result.state, result.frames) == ("updated", 0)
    now = store.shots()
    assert now["words"].to_list() == ["Over there.", "", ""]
    assert store.cues("film")["text"].to_list() == ["Over there."]
    assert now.drop("words").equals(shots.drop("words"))
    assert len(store.thumbnails(now["id"].to_list())) == 3
    after = vectors(store)
    for modality in ("visual", "audio"):
        assert np.allclose(after[:, block(modality)], before[:, block(modality)], atol=1e-3)
        assert np.array_equal(
            vectors(store, "described")[:, block(modality)], described[:, block(modality)]
        )
    assert (after[0, block("text")] @ before[0, block("text")]) < 0.1
    assert np.allclose(np.linalg.norm(after, axis=1), 1, atol=1e-3)
    assert again().state == "unchanged"


def test_an_update_equals_a_fresh_ingest(again, store, film, plain_encoders, tmp_path):
    film.with_suffix(".srt").unlink()
    film.with_suffix(".json").write_text(json.dumps({"title": "Another", "genres": ["Drama"]}))
    assert again().state == "updated"
    fresh = Storage(tmp_path / "fresh", create=True)
    ingest(fresh, [film], encoders=plain_encoders)
    assert store.shots().equals(fresh.shots())
    for space in ("fused", "described"):
        assert np.allclose(vectors(store, space), vectors(fresh, space), atol=1e-3)
    dates = ["revision", "ingested_at"]
    assert store.titles().drop(dates).equals(fresh.titles().drop(dates))


def test_changed_metadata_embeds_the_title_alone(again, store, film):
    before, row = vectors(store), store.title("film")
    said = store.vectors(store.live("metadata")).vectors
    film.with_suffix(".json").write_text(json.dumps({"title": "A Film", "tags": ["two"]}))
    result = again()
    assert (result.state, result.frames) == ("updated", 0)
    now = store.title("film")
    assert now["tags"] == ["two"]
    assert not np.allclose(store.vectors(store.live("metadata")).vectors, said)
    assert now["revision"] != row["revision"]  # so that `embed` sees it
    assert np.allclose(vectors(store), before, atol=1e-3)
    assert store.shots()["words"][0] == "Where are you?"


@pytest.mark.parametrize(
    "options", [{"force": True}, {"keyframes": 2}, {"detector": "content"}], ids=str
)
def test_what_decodes_the_film_again(again, options):
    assert again(**options).state == "ingested"


def test_changed_content_is_ingested_again(again, store, film):
    make_film(film, images=list(pictures(48, size=(96, 64))))
    result = again()
    assert (result.state, result.shots) == ("ingested", 2)
    assert result.warnings == ("film.mp4 has no sound",)
    assert store.shots()["silent"].to_list() == [True, True]


def test_a_shot_list_instead_of_a_detector(again, store, film, tmp_path):
    cuts = tmp_path / "cuts.csv"
    cuts.write_text("start\n0\n0.5\n2.25\n")
    result = again(shot_list=cuts)
    assert (result.state, result.shots) == ("ingested", 3)
    assert store.shots()["start_s"].to_list() == [0, 0.5, 2.25]
    assert again(shot_list=cuts).state == "unchanged"
    cuts.write_text("start\n0\n1\n")
    assert again(shot_list=cuts).shots == 2
    assert again().shots == 3
    with pytest.raises(InvalidInput, match=r"none\.csv is not a file"):
        again(shot_list=tmp_path / "none.csv")


def test_several_workers_make_the_same_store(film, plain_encoders, tmp_path):
    for number in range(5):
        images = list(pictures(24 * (2 + number % 3), size=(96, 64)))
        make_film(film.with_name(f"film{number}.mp4"), images=images)
    stores = []
    for workers in (1, 3):
        stores.append(Storage(tmp_path / f"by{workers}", create=True))
        told, seen = [], set()
        results = ingest(
            stores[-1],
            [film.parent],
            encoders=plain_encoders,
            workers=workers,
            on_title=told.append,
            on_progress=lambda p, seen=seen: seen.add(p.media.stem),
        )
        assert [r.state for r in results] == ["ingested"] * 6
        assert sorted(r.title for r in told) == [r.title for r in results] == sorted(seen)
    one, three = stores
    assert one.shots().equals(three.shots())
    assert np.array_equal(vectors(one), vectors(three))


def test_two_films_of_one_name_at_once(film, store, plain_encoders):
    (film.parent / "other").mkdir()
    other = make_film(film.parent / "other" / "film.mp4", images=list(pictures(24)))
    results = ingest(store, [film.parent], encoders=plain_encoders, workers=2)
    assert {(r.media, r.state) for r in results} == {(film, "ingested"), (other, "ingested")}
    assert len({r.title for r in results}) == 2
    assert "other_film" in {r.title for r in results}


def test_values_that_make_no_sense(film, store, plain_encoders):
    with pytest.raises(InvalidInput, match="1 or more, are 0"):
        IngestOptions(keyframes=0)
    with pytest.raises(InvalidInput, match="1 to 1024, are 0"):
        ingest(store, [film], encoders=plain_encoders, workers=0)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_cleanly(films, tmp_path, workers):
    """Once a film is under way, an interrupt ends all threads and leaves no part of it."""
    for name in "ab":
        (tmp_path / f"{name}.mp4").symlink_to(films / "sintel" / "sintel.mp4")
    code = "import sys; from mediafm_cli.main import main; sys.argv[0] = 'mediafm'; main()"
    arguments = ["ingest", str(tmp_path), "--store", str(tmp_path / "store")]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--workers", str(workers)],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "store" / "fused_v1.lance").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told == "Interrupted; what `mediafm ingest` finished is kept.\n"
    store = Storage(tmp_path / "store")
    assert len(store.titles()) == store.table("shots").count_rows() == 0


def test_warnings_of_subtitles_are_those_of_the_newest(again, store, film):
    film.with_suffix(".srt").write_bytes(
        SRT.format("Où êtes-vous? Ça va très bien.").encode("cp1252")
    )
    assert again().warnings == ("film.srt is not UTF-8; read as cp1252",)
    assert store.title("film")["warnings"] == ["film.srt is not UTF-8; read as cp1252"]
    film.with_suffix(".json").write_text(json.dumps({"title": "Other"}))
    assert again().warnings == ("film.srt is not UTF-8; read as cp1252",)
    film.with_suffix(".srt").write_text(SRT.format("Where are you?"))
    assert again().warnings == ()
    assert store.title("film")["warnings"] == []


def test_the_same_words_in_other_fields_are_a_change(again, store, film):
    film.with_suffix(".json").write_text(json.dumps({"title": "A Film", "genres": ["one"]}))
    assert again().state == "updated"
    row = store.title("film")
    assert (row["tags"], row["genres"]) == ([], ["one"])


def test_warnings_do_not_multiply(again, store, film):
    told = "film.mp4: no subtitles in de; there are some in no known language"
    for tags in (["a"], ["b"], ["c"]):
        film.with_suffix(".json").write_text(json.dumps({"title": "A Film", "tags": tags}))
        assert again(language="de").warnings == (told,)
        assert store.title("film")["warnings"] == [told]


def test_rows_made_from_older_ones_are_refused(again, store, film, monkeypatch, plain_encoders):
    """Another program ingests the film while this one brings in its subtitles."""
    from mediafm_store.ingestion import ingest as task

    renew = task.renewed_rows

    def meanwhile(*arguments, **options):
        rows = renew(*arguments, **options)
        monkeypatch.setattr(task, "renewed_rows", renew)
        ingest(store, [film], IngestOptions(force=True), encoders=plain_encoders)
        return rows

    monkeypatch.setattr(task, "renewed_rows", meanwhile)
    film.with_suffix(".srt").write_text(SRT.format("Over there."))
    (result,) = ingest(store, [film], encoders=plain_encoders)
    assert "was changed by another program" in result.error
    assert store.shots()["words"][0] == "Over there."


@pytest.mark.skipif(sys.platform != "linux", reason="names are always UTF-8 there")
def test_a_name_that_is_not_utf8_is_told_at_once(film, store, plain_encoders):
    bad = film.with_name(os.fsdecode(b"caf\xe9.mp4"))
    film.rename(bad)
    (result,) = ingest(store, [bad], encoders=plain_encoders)
    assert result.error == "'caf\\udce9.mp4': the path is not UTF-8; rename it"


def test_a_film_that_was_renamed_stays_the_title_that_it_was(again, store, film, plain_encoders):
    film.with_suffix(".json").unlink()
    assert again().state == "updated"
    row = store.title("film")
    moved = film.parent / "elsewhere" / "Another Name.mp4"
    moved.parent.mkdir()
    film.rename(moved)
    film.with_suffix(".srt").rename(moved.with_suffix(".srt"))
    (found,) = ingest(store, [moved.parent], encoders=plain_encoders)
    assert (found.title, found.state) == ("film", "unchanged")
    assert found.note == (
        f"{moved} is title 'film', which was {film}: its id, labels and vectors stay"
    )
    now = store.title("film")
    assert store.titles()["id"].to_list() == ["film"]
    assert (now["media"], now["subtitles"]) == (str(moved), str(moved.with_suffix(".srt")))
    assert (now["name"], now["revision"]) == (row["name"], row["revision"])
    (found,) = ingest(store, [moved], encoders=plain_encoders)
    assert (found.title, found.state, found.note) == ("film", "unchanged", "")


def test_a_copy_of_a_film_that_is_still_there_is_a_title_of_its_own(
    again, store, film, plain_encoders
):
    copy = film.with_name("copy.mp4")
    copy.write_bytes(film.read_bytes())
    assert ingest(store, [copy], encoders=plain_encoders)[0].title == "copy"
    film.unlink()
    again_copied = film.with_name("third.mp4")
    again_copied.write_bytes(copy.read_bytes())
    assert ingest(store, [again_copied], encoders=plain_encoders)[0].title == "film"
    assert store.titles()["id"].to_list() == ["copy", "film"]


def test_a_renamed_film_does_not_clash_with_another_of_its_new_name(
    store, tmp_path, plain_encoders
):
    for folder, seconds in (("s1", 48), ("s2", 72)):
        (tmp_path / folder).mkdir()
        make_film(tmp_path / folder / f"{folder}.mp4", images=list(pictures(seconds)))
    ingest(store, [tmp_path / "s1", tmp_path / "s2"], encoders=plain_encoders)
    for folder in ("s1", "s2"):
        (tmp_path / folder / f"{folder}.mp4").rename(tmp_path / folder / "Episode 1.mp4")
    found = ingest(store, [tmp_path / "s1", tmp_path / "s2"], encoders=plain_encoders)
    assert [(one.title, one.state) for one in found] == [("s1", "unchanged"), ("s2", "unchanged")]
