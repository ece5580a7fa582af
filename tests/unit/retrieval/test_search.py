"""Search over a store made by hand, with an encoder of words that is a table."""

import numpy as np
import pytest

from mediafm_store import EncoderOutput, IndexConfig
from mediafm_store.arrays import MODALITIES, block, unit_rows, weigh
from mediafm_store.arrays import _shares as shares
from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.features.fusion import describe, fingerprint
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.directories import index_folder, newest_build
from mediafm_store.indexing.space_index import _OPENED as OPENED
from tests.conftest import random_vectors, shot_row, title_rows
from tests.helpers.plain import search_all as search
from tests.helpers.planted import direction

WORDS = random_vectors(3)[:, :768] * np.float32(np.sqrt(3))  # unit blocks for cat, moon, rain


class TfIdf:
    """Knows three words; all else means something else."""

    def __init__(self, modality):
        self.name, self.modality, self.fingerprint = "words", modality, "w"

    def encode(self, items):
        known = dict(zip(["cat", "moon", "rain"], WORDS, strict=True))
        rows = np.stack([known[i] if i in known else direction(i) for i in items])
        return EncoderOutput(rows, rows, [()] * len(items))

    def encode_query(self, texts):
        return self.encode(texts).blocks


ENCODERS = {m: TfIdf(m) for m in MODALITIES}


@pytest.fixture
def films(store):
    for seed, title in enumerate(["alpha", "beta"]):
        store.add_title(title_rows(store, title, random_vectors(30, seed)))
    return store


def exact(vectors, query):
    return np.argsort(-(vectors @ query), kind="stable")


@pytest.mark.parametrize("indexed", [False, True])
def test_a_shot_finds_what_exact_search_finds(films, indexed):
    fused = films.live("fused")
    ids, vectors = films.vectors(fused)
    if indexed:
        build_index(films, fused, device="cpu")
    query = ids.index("alpha/00007")
    hits = search(films, shot="alpha/00007", k=5)
    assert [h.shot for h in hits] == [ids[i] for i in exact(vectors, vectors[query])[1:6]]
    for hit in hits:
        parts = shares(vectors[query], vectors[[ids.index(hit.shot)]])
        assert hit.score == pytest.approx(float(sum(parts.values())[0]), abs=1e-5)
        expected = {m: float(p[0]) for m, p in parts.items()} | {"context": 0}
        assert hit.shares == pytest.approx(expected, abs=1e-5)
        assert hit.end_s - hit.start_s == 2


def test_other_titles_only(films):
    hits = search(films, shot="alpha/00007", k=40, exclude_same_title=True)
    assert len(hits) == 30
    assert {h.title for h in hits} == {"beta"}


def test_weights_change_what_counts(films):
    ids, vectors = films.vectors(films.live("fused"))
    query = vectors[ids.index("alpha/00007")]
    hits = search(films, shot="alpha/00007", weights={"audio": 0, "text": 0}, k=5)
    by_picture = exact(vectors, weigh(query[None], {"audio": 0, "text": 0})[0])
    assert [h.shot for h in hits] == [ids[i] for i in by_picture[1:6]]
    assert all(h.shares["audio"] == h.shares["text"] == 0 for h in hits)
    with pytest.raises(InvalidInput, match="weight 0; raise at least one"):
        search(films, shot="alpha/00007", weights=dict.fromkeys(MODALITIES, 0.0))


def test_an_index_of_an_older_table_is_not_used(films):
    build_index(films, films.live("fused"), device="cpu")
    twin = films.vectors(films.live("fused"), "alpha").vectors
    films.add_title(title_rows(films, "gamma", twin))
    assert search(films, shot="alpha/00007", k=1)[0].shot == "gamma/00007"


def test_words_find_what_is_seen_heard_or_said(store):
    made_by = fingerprint("described", list(ENCODERS.values()))
    rows = title_rows(store, "film", random_vectors(3))
    blocks = {m: np.zeros_like(WORDS) for m in MODALITIES}
    for i, modality in enumerate(["visual", "text", "audio"]):
        blocks[modality][i] = WORDS[i]
    space = store.registry.version("described", made_by, dim=2304, made_by="words", fused="test")
    store.registry.promote(space)
    vectors = {store.live("fused"): random_vectors(3), space: describe(blocks)}
    shots = [shot_row(f"film/{i:05d}", i, seen=["cat"] if i == 0 else []) for i in range(3)]
    store.add_title(type(rows)(rows.title, shots, [], rows.thumbnails, vectors))
    for i, (word, modality) in enumerate([("cat", "visual"), ("moon", "text"), ("rain", "audio")]):
        alone = dict.fromkeys(MODALITIES, 0.0) | {modality: 1.0}
        best = search(store, text=word, weights=alone, encoders=ENCODERS)[0]
        assert best.shot == f"film/{i:05d}"
        assert max(best.shares, key=best.shares.__getitem__) == modality
        assert best.shares[modality] > 0
    assert search(store, text="cat", encoders=ENCODERS)[0].seen == ("cat",)


def test_titles_without_contextual_vectors_are_told(films, caplog):
    context = films.registry.version(
        "context", "c", dim=2304, made_by="checkpoint 0001", fused="test"
    )
    ids, vectors = films.vectors(films.live("fused"), "alpha")
    films.add_vectors(context, films.title("alpha"), ids, vectors)
    title = films.registry.version("title", "c", dim=2304, made_by="checkpoint 0001", fused="test")
    films.add_vectors(title, films.title("alpha"), ["alpha"], random_vectors(1))
    films.registry.promote(context, title)
    assert {h.title for h in search(films, shot="alpha/00007", k=40)} == {"alpha"}
    assert "1 of 2 titles have no context vectors" in caplog.text
    with pytest.raises(InvalidInput, match="mediafm embed"):
        search(films, shot="beta/00001")


@pytest.mark.parametrize("name", ["facts.json", "ids.arrow", "runs.json", "vectors.f16"])
@pytest.mark.parametrize("content", [b"", b"{", None])
def test_a_broken_index_is_told_and_searched_without(films, caplog, name, content):
    fused = films.live("fused")
    build_index(films, fused, device="cpu")
    before = search(films, shot="alpha/00007", k=5)
    broken = newest_build(index_folder(films, fused)) / name
    OPENED.clear()
    if content is None:
        broken.unlink()
    else:
        broken.write_bytes(content)
    assert [h.shot for h in search(films, shot="alpha/00007", k=5)] == [h.shot for h in before]
    assert "`mediafm doctor --fix` builds it anew" in caplog.text
    caplog.clear()
    build_index(films, fused, IndexConfig("exact"), device="cpu")
    assert search(films, shot="alpha/00007", k=5) == before
    assert caplog.text == ""


def test_words_of_another_encoder_are_refused(films):
    with pytest.raises(SpaceMismatch, match="a test"):
        search(films, text="cat", encoders=ENCODERS)


def test_bad_queries(films):
    with pytest.raises(InvalidInput, match="give something to search for: a shot"):
        search(films)
    with pytest.raises(InvalidInput, match="beside what is not wanted"):
        search(films, unlike=["alpha/00001"])
    with pytest.raises(NotFound, match="nope"):
        search(films, shot="nope")
    with pytest.raises(InvalidInput, match="own title"):
        search(films, text="cat", exclude_same_title=True, encoders=ENCODERS)
    huge = {"visual": 1e39, "audio": 1e39, "text": 1e39}
    assert search(films, shot="alpha/00001", weights=huge) == search(films, shot="alpha/00001")
    for weight in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="finite numbers from 0"):
            search(films, shot="alpha/00001", weights={"visual": weight})
    with pytest.raises(InvalidInput, match="empty"):
        search(films, text="  ", encoders=ENCODERS)


def test_describe_does_not_favour_what_lacks_a_modality():
    full = {m: unit_rows(random_vectors(1, i)[:, :768]) for i, m in enumerate(MODALITIES)}
    alone = {m: full[m] if m == "visual" else np.zeros_like(full[m]) for m in MODALITIES}
    query = describe(dict.fromkeys(MODALITIES, full["visual"]))[0]
    part = block("visual")
    assert describe(alone)[0, part] @ query[part] == pytest.approx(
        describe(full)[0, part] @ query[part]
    )
