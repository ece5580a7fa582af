"""Ads: the list that names them, and which fit which breaks."""

import json
import zlib

import numpy as np
import pytest
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store import Ad, AdBreak, BreakConstraints
from mediafm_store.ads.ad_matching import ads_of_breaks, breaks_of_ads, match_ads
from mediafm_store.ads.ads import read_ads
from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, unit_rows
from mediafm_store.encoders.encoder import EncoderOutput
from mediafm_store.errors import InvalidInput, SpaceMismatch
from mediafm_store.features.fusion import describe, fingerprint, fuse
from mediafm_store.storage.storage import TitleRows
from tests.conftest import rows_of, shot_row
from tests.helpers.plain import PlainEncoder

GOOD = {"id": "a", "text": "A dragon"}


class WordEncoder(PlainEncoder):
    """Texts are the sum of a random vector for each of their words."""

    def encode(self, items):
        rows = np.zeros((len(items), BLOCK), np.float32)
        for row, item in zip(rows, items, strict=True):
            words = item.lower().replace(",", " ").split()
            seeds = [zlib.crc32(word.encode()) for word in words]
            row[:] = sum(np.random.default_rng(seed).normal(size=BLOCK) for seed in seeds)
        return EncoderOutput(unit_rows(rows), unit_rows(rows), [()] * len(items))


ENCODERS = {modality: WordEncoder(modality) for modality in MODALITIES}


@pytest.fixture
def zoo(store):
    """Two titles of thirty shots: boats, but in `wild` a dragon from shot 10 to 17."""
    told = {"made_by": "a test", "fused": fingerprint("fused", list(ENCODERS.values()))}
    for title, dragon in (("calm", ()), ("wild", range(10, 18))):
        texts = ["dragon fire" if i in dragon else f"boat sea w{i}" for i in range(30)]
        blocks = {m: ENCODERS[m].encode(texts).blocks for m in MODALITIES}
        spaces = {
            store.registry.only_version(
                name, fingerprint(name, list(ENCODERS.values())), dim=width, **told
            ): vectors
            for name, width, vectors in (
                ("fused", FUSED, fuse(blocks)),
                ("described", FUSED, describe(blocks)),
                ("metadata", BLOCK, np.zeros((1, BLOCK), np.float32)),
            )
        }
        rows = rows_of(title, 30, spaces)
        shots = [
            shot_row(
                f"{title}/{i:05d}",
                i,
                seen=["dragon"] if i in dragon else ["boat"],
                words="So much blood!" if (title, i) == ("calm", 4) else "",
            )
            for i in range(30)
        ]
        store.add_title(TitleRows(rows.title, shots, [], rows.thumbnails, rows.vectors))
    return store


def place(title: str, after: int) -> AdBreak:
    before = f"{title}/{after - 1:05d}"
    return AdBreak(before, f"{title}/{after:05d}", 2.0 * after, 0.5, {}, ())


PLACES = {
    "wild": [place("wild", 8), place("wild", 18), place("wild", 28)],
    "calm": [place("calm", 8), place("calm", 18)],
}


def matches(store, *ads, **options):
    return match_ads(store, PLACES, ads, encoders=ENCODERS, device="cpu", **options)


DRAGON = Ad("dragon", text="A dragon of plush", tags=("dragon",))
BOAT = Ad("boat", tags=("boat", "sea"))


def test_an_ad_about_a_dragon_goes_after_the_dragon(zoo):
    found = matches(zoo, DRAGON, BOAT)
    assert len(found) == 10
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    breaks = breaks_of_ads(found)
    assert breaks["dragon"][0].after == "wild/00018"
    assert breaks["dragon"][0].score > 0.8
    assert breaks["dragon"][0].parts.keys() == {"text", "tags"}
    assert breaks["dragon"][1].score < 0.8
    assert breaks["boat"][-1].after == "wild/00018"
    ads = ads_of_breaks(found)
    assert [m.ad for m in ads["wild/00018"]] == ["dragon", "boat"]
    assert [m.ad for m in ads["wild/00028"]] == ["boat", "dragon"]
    assert all(m.title == "wild" and m.seconds == 36.0 for m in ads["wild/00018"])


def test_matches_tell_why(zoo):
    best = breaks_of_ads(matches(zoo, DRAGON))["dragon"][0]
    assert best.reasons[0] == "“dragon” is seen in wild/00010"
    assert any("its tags fit the shots before better than" in r for r in best.reasons)
    assert all("wild/" in reason for reason in best.reasons)
    assert all(m.reasons for m in matches(zoo, DRAGON, BOAT))


def test_only_so_many_are_given(zoo):
    found = matches(zoo, DRAGON, BOAT)
    assert {len(group) for group in ads_of_breaks(found, 1).values()} == {1}
    assert {len(group) for group in breaks_of_ads(found, 2).values()} == {2}
    assert matches(zoo) == []


def test_what_an_ad_avoids_and_how_long_it_is(zoo):
    shy = Ad("shy", tags=("sea",), avoid=("blood",))
    # It is said from 8 to 10 s: breaks from 0 to 40 s are too near.
    assert {m.after for m in matches(zoo, shy)} == {"wild/00008", "wild/00018", "wild/00028"}
    long = Ad("long", tags=("sea",), duration_s=45)
    assert not matches(zoo, long, break_s=30)
    assert len(matches(zoo, long, break_s=45)) == len(matches(zoo, long)) == 5


def test_other_encoders_are_refused(zoo):
    others = {m: PlainEncoder(m) for m in MODALITIES}
    for encoder in others.values():
        encoder.fingerprint = "other"
    with pytest.raises(SpaceMismatch):
        match_ads(zoo, PLACES, [DRAGON], encoders=others, device="cpu")


# Lists


def listed(folder, *lines):
    path = folder / "ads.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path


def test_a_list_is_read(tmp_path):
    (tmp_path / "spot.mp4").write_bytes(b"")
    rows = (
        GOOD | {"name": "Plush", "duration_s": 30, "avoid": ["blood"], "tags": None},
        "",
        {"id": "b", "tags": ["tea", "cup"]},
        {"id": "c", "video": "spot.mp4"},
    )
    assert read_ads(listed(tmp_path, *rows)) == [
        Ad("a", "Plush", "A dragon", duration_s=30.0, avoid=("blood",)),
        Ad("b", tags=("tea", "cup")),
        Ad("c", video=tmp_path / "spot.mp4"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: no JSON"),
        ("[1]", "line 2: no object"),
        ({"text": "x"}, "line 2: it has no id"),
        ({"id": 7, "text": "x"}, "line 2: id is a text, not 7"),
        ({"id": "b"}, "line 2: the ad 'b' has neither text, tags nor video"),
        ({"id": "b", "text": " "}, "line 2: text is a text"),
        ({"id": "b", "tags": "tea"}, "line 2: tags is a list of texts"),
        ({"id": "b", "tags": [1]}, "line 2: tags is a list of texts"),
        ({"id": "b", "tag": ["tea"]}, "line 2: it has 'tag'; an ad has id, name"),
        ({"id": "b", "text": "x", "duration_s": 0}, "line 2: duration_s is seconds"),
        ({"id": "b", "text": "x", "duration_s": True}, "line 2: duration_s is seconds"),
        ({"id": "b", "video": "nope.mp4"}, "line 2: there is no video"),
        (GOOD, "line 2: the ad 'a' was listed before"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, line, told):
    with pytest.raises(InvalidInput, match=told):
        read_ads(listed(tmp_path, GOOD, line))


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(InvalidInput, match="lists no ad"):
        read_ads(listed(tmp_path, ""))
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_ads(tmp_path / "nope.jsonl")


# Real encoders, and the command


@pytest.fixture(scope="module")
def real(sample_films, encoders, tmp_path_factory):
    """Two sample films, as they are; each has its own pictures and sounds."""
    from mediafm_store.ingestion.ingest import ingest
    from mediafm_store.storage.storage import Storage

    store = Storage(tmp_path_factory.mktemp("real") / "store", create=True)
    ingest(store, [sample_films], encoders=encoders)
    return store


@pytest.mark.slow
def test_ads_by_video_and_text_of_real_films(real, sample_films, encoders, tmp_path):
    from mediafm_store.ad_breaks.rank import rank_breaks

    films = sorted(sample_films.glob("*.mp4"))
    constraints = BreakConstraints(min_gap_s=5, margin_s=10)
    places = {
        film.stem: rank_breaks(real, film.stem, constraints=constraints, k=3) for film in films
    }
    ads = [Ad(f"by {film.stem}", video=film) for film in films]
    found = breaks_of_ads(match_ads(real, places, ads, encoders=encoders, device="cpu"))
    for film in films:
        assert found[f"by {film.stem}"][0].title == film.stem
    path = listed(tmp_path, {"id": "a", "text": "a cup of coffee"}, {"id": "b", "tags": ["cat"]})
    arguments = [
        "breaks",
        "match-ads",
        path,
        *places,
        "--store",
        real.path,
        "--min-gap",
        "5",
        "--json",
    ]
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows
    assert all({m["ad"] for m in row["ads"]} == {"a", "b"} for row in rows)
    done = CliRunner().invoke(app, [str(a) for a in (*arguments, "--by", "ad", "-k", "2")])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["ad"] for row in rows].count("a") == 2
    assert all(row["reasons"] and 0 <= row["score"] <= 1 for row in rows)


def test_breaks_for_every_ad_want_ads(zoo):
    arguments = ["breaks", "match-ads", "--by", "ad", "--store", str(zoo.path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "Missing argument 'FILE'" in done.output


def test_the_command_says_why_nothing_is_left(zoo):
    arguments = ["breaks", "rank", "calm", "--avoid", "boat", "--store", str(zoo.path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "No cut of calm qualifies: " in done.stderr
    assert "“boat” is seen in calm/" in done.stderr
