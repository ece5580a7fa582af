"""Breaks as VMAP and SCTE 35, read back by others."""

import json
from base64 import b64decode
from fractions import Fraction
from pathlib import Path
from xml.dom.minidom import parseString

import pytest
import threefive
import xmlschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store import AdBreak, AdMatch, BreakConstraints
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.break_files.break_times import BreakTime, moments
from mediafm_store.break_files.export import write_breaks
from mediafm_store.break_files.scte35 import _CLOCK as CLOCK
from mediafm_store.break_files.scte35 import _PTS_BITS as PTS_BITS
from mediafm_store.break_files.scte35 import _crc32 as crc32
from mediafm_store.break_files.scte35 import scte35
from mediafm_store.break_files.vmap import _SPACE as SPACE
from mediafm_store.break_files.vmap import vmap
from mediafm_store.errors import InvalidInput, NotFound
from tests.conftest import random_vectors, title_rows

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[2] / "schemas" / "vmap-1.0.1.xsd")
busy = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WRAP_S = 2**PTS_BITS / CLOCK
TAG = "https://ads.example/vast?t={title}&b={break}&at={seconds}&ad={ad}&r=[RANDOM]"


def moment(at, number=1, of=1, title="film", reasons=("why",)) -> BreakTime:
    place = AdBreak("film/00000", f"film/{number:05d}", float(at), 0.5, {}, tuple(reasons))
    return BreakTime(title, Fraction(at), number, of, place)


def fitting(number, ad, score=0.5) -> AdMatch:
    return AdMatch("film", f"film/{number:05d}", 1.0, ad, "", score, 0.0, {}, ())


@pytest.fixture
def film(store):
    """Twenty shots of two seconds."""
    store.add_title(title_rows(store, "film", random_vectors(20)))
    return store


def breaks_of(store, title="film", k=3):
    constraints = BreakConstraints(min_gap_s=4, margin_s=3)
    return {title: rank_breaks(store, title, constraints=constraints, k=k)}


# VMAP


def read_vmap(text: str) -> list[dict]:
    """Checked by the schema; what each break says."""
    SCHEMA.validate(text)
    root = parseString(text).documentElement
    assert root.namespaceURI == SPACE
    found = []
    for element in root.getElementsByTagNameNS(SPACE, "AdBreak"):
        tags = element.getElementsByTagNameNS(SPACE, "AdTagURI")
        found.append(
            {name: element.getAttribute(name) for name in ("timeOffset", "breakType", "breakId")}
            | {"tag": tags[0].firstChild.data if tags else None}
            | {
                "reasons": [
                    r.firstChild and r.firstChild.data
                    for r in element.getElementsByTagName("Reason")
                ]
            }
            | {"ads": [a.getAttribute("id") for a in element.getElementsByTagName("Ad")]}
        )
    return found


def test_vmap_is_valid_and_says_when(tmp_path, film):
    found = breaks_of(film)
    write_breaks(tmp_path / "x.vmap", film, found)
    read = read_vmap((tmp_path / "x.vmap").read_text(encoding="utf-8"))
    ordered = sorted(found["film"], key=lambda b: b.seconds)
    assert [r["timeOffset"] for r in read] == [f"00:00:{b.seconds:06.3f}" for b in ordered]
    assert {r["breakType"] for r in read} == {"linear"}
    assert [r["breakId"] for r in read] == ["film-1", "film-2", "film-3"]
    assert [r["reasons"] for r in read] == [list(b.reasons) for b in ordered]
    assert {r["tag"] for r in read} == {None}


def test_the_ad_server_is_asked_with_the_best_ad():
    ads = {"film/00001": [fitting(1, "a&b"), fitting(1, "c")]}
    text = vmap([moment("3725.4995", 1, 2), moment(4000, 2, 2)], TAG, ads)
    first, second = read_vmap(text)
    assert "<![CDATA[https://" in text
    assert first["timeOffset"] == "01:02:05.500"  # never before the cut
    start = "https://ads.example/vast?t=film"
    assert first["tag"] == f"{start}&b=1&at=3725.500&ad=a%26b&r=[RANDOM]"
    assert second["tag"] == f"{start}&b=2&at=4000.000&ad=&r=[RANDOM]"
    assert (first["ads"], second["ads"]) == (["a&b", "c"], [])


@busy
@given(
    st.lists(st.fractions(0, 400_000), max_size=5),
    st.text(max_size=9),
    st.lists(st.text(max_size=12), max_size=3),
)
def test_any_vmap_is_valid(times, name, texts):
    title = "".join(c for c in name if c.isprintable())
    found = [moment(at, i, len(times), title, texts) for i, at in enumerate(times, 1)]
    assert len(read_vmap(vmap(found, "http://x.example/{ad}{title}", {}))) == len(times)


@pytest.mark.parametrize(
    "tag", ["", "ads.example", "ftp://ads.example", "https://", "https://x/ y", "https://x/]]>"]
)
def test_what_is_no_address(tag):
    with pytest.raises(InvalidInput, match="no address of an ad server"):
        vmap([moment(1)], tag, {})


def test_vmap_is_of_one_title():
    with pytest.raises(InvalidInput, match="of one title, these are a, b"):
        vmap([moment(1, title="a"), moment(1, title="b")], None, {})


# SCTE 35


def decoded(message: dict[str, str]) -> threefive.Cue:
    """Read by another program, from both forms."""
    cue, other = threefive.Cue(message["base64"]), threefive.Cue(message["hex"])
    assert cue.bites == other.bites == b64decode(message["base64"])
    return cue


@busy
@given(st.fractions(0, 200_000, max_denominator=90_000), st.none() | st.floats(0.5, 3600))
@example(Fraction(WRAP_S), 30.0)
@example(Fraction(2**PTS_BITS - 1, CLOCK), None)
@example(Fraction(0), 60.0)
def test_messages_decode_to_the_same_times(at, break_s):
    row = json.loads(scte35([moment(at, 3, 7)], break_s))
    assert abs(row["seconds"] - at) < 1e-6
    assert abs(row["pts"] + row["wraps"] * 2**PTS_BITS - at * CLOCK) <= Fraction(1, 2)
    insert, signal = decoded(row["splice_insert"]), decoded(row["time_signal"])
    for cue in (insert, signal):
        assert cue.command.pts_time == pytest.approx(row["pts"] / CLOCK, abs=1e-6)
        assert cue.info_section.section_length == len(cue.bites) - 3
        assert crc32(cue.bites) == 0
        assert crc32(cue.bites[:-4]) == int(cue.info_section.crc, 16)
    command = insert.command
    assert command.name == "Splice Insert"
    assert command.out_of_network_indicator
    assert command.program_splice_flag
    assert not command.splice_event_cancel_indicator
    assert not command.splice_immediate_flag
    assert (command.avail_num, command.avails_expected) == (3, 7)
    (offer,) = signal.descriptors
    assert offer.segmentation_message == "Provider Placement Opportunity Start"
    assert not offer.segmentation_event_cancel_indicator
    assert (offer.segment_num, offer.segments_expected) == (3, 7)
    assert int(offer.segmentation_event_id, 16) == command.splice_event_id
    if break_s is None:
        assert not command.duration_flag
        assert not offer.segmentation_duration_flag
    else:
        assert command.break_auto_return
        assert command.break_duration == pytest.approx(break_s, abs=1 / CLOCK)
        assert offer.segmentation_duration == pytest.approx(break_s, abs=1 / CLOCK)


def test_time_stamps_begin_again():
    row = json.loads(scte35([moment(Fraction(WRAP_S) + 1)], None))
    assert (row["pts"], row["wraps"]) == (CLOCK, 1)
    assert decoded(row["time_signal"]).command.pts_time == 1.0


def test_a_message_is_as_another_program_makes_it():
    row = json.loads(scte35([moment(Fraction(4321, 24))], 30.0))
    cue = decoded(row["splice_insert"])
    cue.info_section.cw_index = "0xff"
    assert cue.base64() == row["splice_insert"]["base64"]


def test_breaks_too_long_or_too_many_are_told():
    with pytest.raises(InvalidInput, match="up to 95443 s"):
        scte35([moment(1)], 1e6)
    cue = decoded(json.loads(scte35([moment(1, 300, 400)], None))["splice_insert"])
    assert (cue.command.avail_num, cue.command.avails_expected) == (0, 0)


# Files


def test_a_line_for_each_break_of_several_titles(tmp_path, film):
    film.add_title(title_rows(film, "other", random_vectors(20, 1)))
    found = breaks_of(film) | breaks_of(film, "other", 2)
    write_breaks(tmp_path / "x.scte35", film, found, break_s=30)
    rows = [json.loads(line) for line in (tmp_path / "x.scte35").read_text().splitlines()]
    assert [(r["title"], r["break"], r["of"]) for r in rows] == [
        *(("film", n, 3) for n in (1, 2, 3)),
        *(("other", n, 2) for n in (1, 2)),
    ]
    assert [r["seconds"] for r in rows[:3]] == sorted(b.seconds for b in found["film"])
    ids = {decoded(r["splice_insert"]).command.splice_event_id for r in rows}
    assert len(ids) == 5


def test_what_cannot_be_written(tmp_path, film):
    found = breaks_of(film)
    with pytest.raises(InvalidInput, match=r"must end in \.edl, .*\.vtt, \.vmap, \.scte35"):
        write_breaks(tmp_path / "x.doc", film, found)
    with pytest.raises(InvalidInput, match="there is no break"):
        write_breaks(tmp_path / "x.vmap", film, {"film": []})
    gone = {"film": [AdBreak("film/00098", "film/00099", 1.0, 0.5, {}, ())]}
    with pytest.raises(NotFound, match="rank its breaks again"):
        moments(film, gone)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["film", "other", "--out", "x.vmap"], "VMAP is of one title, 2 are given"),
        (["film", "--ad-tag", "http://[ads"], "no address of an ad server"),
        (["film", "--ad-tag", "http://ads/{when}"], "{when} in 'http://ads/{when}' is nothing"),
        (["film", "--ad-tag", "http://ads/"], "add --out breaks.vmap"),
        (
            ["film", "--out", "x.vmap", "--ad-tag", "http://ads/{ad}"],
            "use `mediafm breaks match-ads`",
        ),
        (["film", "--out", "x.doc"], "x.doc"),
    ],
)
def test_what_cannot_be_written_is_told_first(tmp_path, arguments, told):
    done = CliRunner().invoke(
        app, ["breaks", "rank", *arguments, "--store", str(tmp_path / "no-store")]
    )
    assert done.exit_code == 1
    assert told in str(done.exception)


def test_the_command_writes_them(tmp_path, film):
    names = ("x.vmap", "x.scte35", "x.vtt")
    arguments = ["breaks", "rank", "film", "--margin", "2", "--min-gap", "4", "--store", film.path]
    arguments += [part for name in names for part in ("--out", tmp_path / name)]
    arguments += ["--break-s", "30", "--ad-tag", TAG.replace("{ad}", "")]
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    assert "Scored by default weights." in done.stderr
    assert len(read_vmap((tmp_path / "x.vmap").read_text(encoding="utf-8"))) == 8
    assert len((tmp_path / "x.scte35").read_text().splitlines()) == 8
    assert (tmp_path / "x.vtt").read_text().count("break ") == 8
