"""The whole of ingest, with the real encoders, on films that the tests make."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mediafm_store.arrays import MODALITIES, block
from mediafm_store.clips.write import write_video
from mediafm_store.encoders.encoder import by_modality
from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.ingestion.options import IngestOptions
from mediafm_store.storage.storage import Storage

pytestmark = pytest.mark.slow


def clip(path, *, frames=48, audio=True, seed=0):
    """Two seconds of a drifting gradient, with a tone or without sound."""
    x = np.arange(96)[None, :, None] + np.arange(54)[:, None, None] + 20 * seed
    colour = np.array([1.0, 0.6, 0.3])
    images = [((x + f) % 255 * colour).astype(np.uint8) for f in range(frames)]
    tone = np.sin(np.arange(frames / 24 * 16_000) * 0.1).astype(np.float32) / 3
    write_video(path, iter(images), fps=24, audio=tone if audio else None, audio_rate=16_000)
    return path


@pytest.fixture(scope="module")
def ingested(sample_films, encoders, tmp_path_factory):
    """The two sample films in a store."""
    store = Storage(tmp_path_factory.mktemp("ingested") / "store", create=True)
    return store, ingest(store, [sample_films], encoders=encoders)


def test_cuts_words_and_labels_of_the_sample_films(ingested, sample_films):
    store, results = ingested
    truth = json.loads((sample_films / "ground_truth.json").read_text())["titles"]
    assert [r.state for r in results] == ["ingested", "ingested"]
    for title, facts in truth.items():
        shots = store.shots(title)
        fps = np.divide(*map(int, (facts["fps"] + "/1").split("/")[:2]))
        found = {round(s * fps) for s in shots["start_s"][1:]}
        near = sum(any(abs(f - cut) <= 2 for f in found) for cut in facts["cuts"])
        assert near >= 0.85 * len(facts["cuts"])
        assert len(found) <= 1.15 * len(facts["cuts"])
        assert (shots["start_s"][1:] == shots["end_s"][:-1]).all()
        assert any(shots["words"])
        assert any(len(heard) for heard in shots["heard"])
        assert any(len(looks) for looks in shots["looks"])
        for column, least in (("seen", 0.9), ("heard", 0.3)):
            names, likely = shots[column], shots[f"{column}_p"]
            assert (names.list.len() == likely.list.len()).all()
            assert all(p >= least for p in likely.explode().drop_nulls())
        assert len(store.thumbnails(shots["id"].to_list())) == len(shots)


def test_blocks_are_unit_or_zero(ingested):
    store, _ = ingested
    vectors = store.vectors(store.live("fused")).vectors
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    spoken = (store.shots()["words"] != "").to_numpy()
    for modality in MODALITIES:
        lengths = np.linalg.norm(vectors[:, block(modality)], axis=1)
        there = lengths > 1e-3
        if modality == "text":
            assert (there == spoken).all()
        assert np.allclose(lengths[there] * np.sqrt(2 + spoken[there]), 1, atol=1e-2)


def test_unchanged_titles_are_left_alone_and_changed_ones_replaced(
    sample_films, encoders, tmp_path
):
    films = tmp_path / "films"
    shutil.copytree(sample_films, films)
    video = sorted(films.glob("*.mp4"))[0]
    store = Storage(tmp_path / "store", create=True)

    def run(**options):
        return ingest(store, [video], IngestOptions(**options), encoders=encoders)[0]

    assert run().state == "ingested"
    revision = store.titles()["revision"][0]
    assert run().state == "unchanged"
    assert store.titles()["revision"][0] == revision
    metadata = json.loads(video.with_suffix(".json").read_text())
    video.with_suffix(".json").write_text(json.dumps(metadata | {"tags": ["Changed"]}))
    assert run().state == "updated"
    assert store.titles()["tags"][0].to_list() == ["Changed"]
    assert run(force=True).state == "ingested"
    assert len(store.titles()) == 1


def test_each_bad_file_is_one_line_and_the_others_go_in(tmp_path, encoders):
    films = tmp_path / "films"
    films.mkdir()
    (films / "text.mp4").write_text("this is not a film\n" * 100)
    (films / "empty.mp4").touch()
    write_mp3_like(films / "sound_only.mp4")
    clip(films / "mute.mp4", audio=False)
    clip(films / "latin.mp4", seed=1).with_suffix(".srt").write_bytes(
        "1\n00:00:00,000 --> 00:00:02,000\nDéjà vu, voilà, c'est ça.\n".encode("cp1252")
    )
    clip(films / "binary.mp4", seed=2).with_suffix(".srt").write_bytes(bytes(range(256)) * 9)
    store = Storage(tmp_path / "store", create=True)
    results = {r.title: r for r in ingest(store, [films], encoders=encoders)}
    states = {title: r.state for title, r in results.items()}
    assert states == {
        "text": "failed",
        "empty": "failed",
        "sound_only": "failed",
        "binary": "failed",
        "mute": "ingested",
        "latin": "ingested",
    }
    for title in ("text", "empty", "sound_only", "binary"):
        assert f"{title}." in results[title].error
        assert "\n" not in results[title].error
    assert results["mute"].warnings == ("mute.mp4 has no sound",)
    assert results["latin"].warnings == ("latin.srt is not UTF-8; read as cp1252",)
    assert store.titles()["id"].to_list() == ["latin", "mute"]
    assert store.titles()["warnings"].to_list()[1] == ["mute.mp4 has no sound"]
    assert "Déjà vu" in store.shots("latin")["words"][0]


def write_mp3_like(path):
    """A file with sound and no picture."""
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 16_000, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def test_two_films_of_one_name_do_not_overwrite_each_other(tmp_path, encoders):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    clip(tmp_path / "a" / "film.mp4")
    clip(tmp_path / "b" / "film.mp4", seed=3)
    clip(tmp_path / "b" / "Film.mkv", seed=4)
    store = Storage(tmp_path / "store", create=True)
    results = ingest(store, [tmp_path / "a", tmp_path / "b"], encoders=encoders)
    found = {r.media.relative_to(tmp_path): (r.title, r.state) for r in results}
    assert found[Path("a/film.mp4")] == ("a_film", "ingested")
    assert found[Path("b/Film.mkv")] == ("b_film", "ingested")
    assert found[Path("b/film.mp4")] == ("b_film", "failed")
    assert "--title" in results[-1].error
    other = ingest(
        store, [tmp_path / "b" / "film.mp4"], IngestOptions(title="other"), encoders=encoders
    )
    assert other[0].state == "ingested"
    again = ingest(store, [tmp_path / "a", tmp_path / "b"], encoders=encoders)
    assert [(r.title, r.state) for r in again] == [
        ("a_film", "unchanged"),
        ("b_film", "unchanged"),
        ("other", "unchanged"),
    ]
    with pytest.raises(InvalidInput, match="--title"):
        ingest(store, [tmp_path / "a"], IngestOptions(title="../escape"), encoders=encoders)


def test_moved_films_keep_their_rows_and_tell_where_they_are(tmp_path, encoders):
    store = Storage(tmp_path / "store", create=True)
    ingest(store, [clip(tmp_path / "film.mp4")], encoders=encoders)
    revision = store.title("film")["revision"]
    (tmp_path / "new").mkdir()
    (tmp_path / "film.mp4").rename(tmp_path / "new" / "film.mp4")
    assert ingest(store, [tmp_path / "new"], encoders=encoders)[0].state == "unchanged"
    row = store.title("film")
    assert (row["media"], row["revision"]) == (str(tmp_path / "new" / "film.mp4"), revision)


def test_a_mistake_of_a_plugin_stops_one_title_only(tmp_path, encoders):
    class Breaks:
        name, modality = "breaks", "text"
        fingerprint = encoders["text"].fingerprint

        def encode(self, items):
            if any("bad" in item for item in items):
                raise ZeroDivisionError("on purpose")
            return encoders["text"].encode(items)

        def encode_query(self, texts):
            return encoders["text"].encode_query(texts)

    for name in ("bad", "good"):
        clip(tmp_path / f"{name}.mp4")
    store = Storage(tmp_path / "store", create=True)
    results = ingest(store, [tmp_path], encoders={**encoders, "text": Breaks()})
    assert [r.state for r in results] == ["failed", "ingested"]
    assert results[0].error == "'bad.mp4' cannot be ingested: ZeroDivisionError: on purpose"


def test_other_encoders_are_refused(tmp_path, encoders):
    class Other:
        name, modality, fingerprint = "other", "text", "0"

        def encode(self, items):
            raise AssertionError(f"must not be called, was with {items}")

        encode_query = encode

    store = Storage(tmp_path / "store", create=True)
    ingest(store, [clip(tmp_path / "film.mp4")], encoders=encoders)
    with pytest.raises(SpaceMismatch, match="other"):
        ingest(store, [tmp_path / "film.mp4"], encoders={**encoders, "text": Other()})


def test_encoders_must_cover_each_modality_once(encoders):
    with pytest.raises(InvalidInput, match="no encoder for text"):
        by_modality([encoders["visual"], encoders["audio"]])
    with pytest.raises(InvalidInput, match="two encoders for visual"):
        by_modality([encoders["visual"], encoders["visual"]])


def test_an_unknown_detector_names_those_that_there_are(store, encoders, tmp_path):
    with pytest.raises(NotFound, match="adaptive"):
        ingest(
            store, [clip(tmp_path / "film.mp4")], IngestOptions(detector="nope"), encoders=encoders
        )
