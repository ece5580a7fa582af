"""Timelines: other readers find the same frames in them, whatever the titles are called."""

import csv
import io
import json
import logging
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store import BreakConstraints
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.break_files.acts import acts
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.media.footage import read_footage
from mediafm_store.media.timecode import can_drop, frame_of, timecode_of, timecode_rate
from mediafm_store.records import Span
from mediafm_store.segments import _segment_of_run as segment_of_run
from mediafm_store.segments import segment_of_times, segments_of_shots
from mediafm_store.shots.shot_list import read_shot_list
from mediafm_store.storage.storage import Storage
from mediafm_store.subtitles.parse import read_cues
from mediafm_store.timelines.edit import Edit, Event, FilmFrames, arrange
from mediafm_store.timelines.edl import edl
from mediafm_store.timelines.escaping import one_line, reel_names
from mediafm_store.timelines.fcpxml import fcpxml
from mediafm_store.timelines.segment import Segment, note_of
from mediafm_store.timelines.webvtt import chapters
from mediafm_store.timelines.writers import formats, write_timeline
from tests.helpers.timelines import NTSC, NTSC_60, NTSC_FILM, add_film, numbered_film
from tests.unit.media.test_footage import uneven

CUTS = [0, 31, 32, 100, 149, 200]
WANTED = [3, 0, 1, 4]
"""Shots in the order that they are asked for."""
MADE = {
    "film": (NTSC_FILM, "00:59:58:00"),
    "pal": (Fraction(25), "10:00:00:00"),
    "drop": (NTSC, "00:00:58;10"),
    "nondrop": (NTSC, "01:00:00:00"),
    "sixty": (NTSC_60, "00:09:59;50"),
    "plain": (Fraction(24), None),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A film at each rate, with time code, in a folder whose name has a space and an umlaut."""
    folder = tmp_path_factory.mktemp("films") / "Für & Wider"
    folder.mkdir()
    for name, (rate, code) in MADE.items():
        notes = {"timecode": code} if code else {}
        numbered_film(folder / f"{name}.mov", 200, fps=rate, notes=notes, sounds=("stereo",))
    return folder


def shots(store: Storage, title: str, media: Path, **columns) -> list[Segment]:
    add_film(store, title, media, CUTS, **columns)
    return segments_of_shots(store, [f"{title}/{i:05d}" for i in WANTED])


def expected(rate: Fraction, start: int) -> list[tuple[int, int]]:
    """The frames of the shots, by the film's time code."""
    return [(start + CUTS[i], start + CUTS[i + 1]) for i in WANTED]


def source_frames(timeline, rate: Fraction) -> list[tuple[int, int]]:
    """The frames of the clips on the picture track, as opentimelineio has them."""
    found = []
    for clip in timeline.video_tracks()[0]:
        times = (clip.source_range.start_time, clip.source_range.end_time_exclusive())
        for time in times:
            assert time.rate == float(rate)
            assert time.value == round(time.value)
        found.append(tuple(int(time.value) for time in times))
    return found


@pytest.mark.parametrize("name", MADE)
def test_opentimelineio_reads_the_same_frames(tmp_path, store, made, name):
    rate, code = MADE[name]
    start = frame_of(code, rate) if code else 0
    segments = shots(store, name, made / f"{name}.mov")
    for suffix in (".otio", ".edl"):
        path = tmp_path / f"cut{suffix}"
        write_timeline(path, segments)
        options = {"rate": float(rate)} if suffix == ".edl" else {}
        timeline = otio.adapters.read_from_file(str(path), **options)
        assert source_frames(timeline, rate) == expected(rate, start)
        heard = timeline.audio_tracks()
        assert [len(track) for track in heard] == [len(WANTED)] * (1 if suffix == ".otio" else 2)
    again = otio.adapters.read_from_file(str(tmp_path / "cut.otio"))
    clip = again.video_tracks()[0][0]
    assert unquote(urlparse(clip.media_reference.target_url).path) == str(made / f"{name}.mov")
    assert clip.media_reference.available_range.start_time.value == start
    assert clip.media_reference.available_range.duration.value == 200


@pytest.mark.parametrize("name", MADE)
def test_record_side_is_without_gaps_and_says_whether_it_drops(tmp_path, store, made, name):
    rate, code = MADE[name]
    path = tmp_path / "cut.edl"
    write_timeline(path, shots(store, name, made / f"{name}.mov"))
    text = path.read_text()
    drops = can_drop(rate) and not (code and ";" not in code)
    assert f"FCM: {'DROP FRAME' if drops else 'NON-DROP FRAME'}\n" in text
    records = [line.split()[-2:] for line in text.splitlines() if line[:1].isdigit()]
    assert records[0][0] == ("01:00:00;00" if drops else "01:00:00:00")
    assert all(ends == starts for (_, ends), (starts, _) in pairwise(records))
    lengths = [frame_of(end, rate) - frame_of(start, rate) for start, end in records]
    assert lengths == [CUTS[i + 1] - CUTS[i] for i in WANTED]
    # Our own reader counts from the first event.
    starts = [round(s * rate) for s in read_shot_list(path, float(rate))]
    assert starts == [sum(lengths[:i]) for i in range(1, len(WANTED))]


REQUIRED = {
    "fcpxml": {"version"},
    "format": {"id", "frameDuration", "width", "height"},
    "asset": {"id", "start", "duration", "format"},
    "media-rep": {"src"},
    "sequence": {"format", "duration", "tcStart", "tcFormat"},
    "asset-clip": {"ref", "offset", "start", "duration", "format", "tcFormat"},
    "marker": {"start", "value"},
}
ORDER = {
    "fcpxml": ["resources", "event"],
    "asset": ["media-rep"],
    "event": ["project"],
    "project": ["sequence"],
    "sequence": ["spine"],
    "asset-clip": ["note", "conform-rate", "marker"],
}
"""What Final Cut Pro refuses files for: elements in another order, attributes that are missing."""


def time_of(text: str) -> Fraction:
    assert text.endswith("s")
    return Fraction(text[:-1])


def check_fcpxml(text: str) -> ElementTree.Element:
    """A project that keeps the rules: references resolve, times are whole frames, no gaps."""
    root = ElementTree.fromstring(text)
    ids = {e.get("id"): e for e in root.iter() if e.get("id")}
    assert len(ids) == sum("id" in e.attrib for e in root.iter())
    for element in root.iter():
        assert REQUIRED.get(element.tag, set()) <= element.attrib.keys()
        if element.tag in ORDER:
            places = [ORDER[element.tag].index(child.tag) for child in element]
            assert places == sorted(places)
        for key in ("ref", "format"):
            assert element.get(key) is None or element.get(key) in ids

    def frames(text: str, format_id: str) -> Fraction:
        return time_of(text) / time_of(ids[format_id].get("frameDuration"))

    sequence = root.find(".//sequence")
    at = time_of(sequence.get("tcStart"))
    for clip in root.iter("asset-clip"):
        asset = ids[clip.get("ref")]
        for value in (clip.get("offset"), clip.get("duration")):
            assert frames(value, sequence.get("format")).denominator == 1
        for value in (clip.get("start"), asset.get("start"), asset.get("duration")):
            assert frames(value, asset.get("format")).denominator == 1
        assert time_of(clip.get("offset")) == at
        at += time_of(clip.get("duration"))
        first, length = time_of(asset.get("start")), time_of(asset.get("duration"))
        one = time_of(ids[asset.get("format")].get("frameDuration"))
        assert first <= time_of(clip.get("start"))
        ends = time_of(clip.get("start")) + time_of(clip.get("duration"))
        assert ends <= first + length + one  # of another rate, its end is rounded
    assert at == time_of(sequence.get("tcStart")) + time_of(sequence.get("duration"))
    return root


@pytest.mark.parametrize("name", MADE)
def test_fcpxml_has_the_same_frames(store, made, name):
    rate, code = MADE[name]
    start = frame_of(code, rate) if code else 0
    root = check_fcpxml(fcpxml(arrange(shots(store, name, made / f"{name}.mov"), name="cut")))
    found = []
    for clip in root.iter("asset-clip"):
        first = time_of(clip.get("start")) * rate
        found.append((first, first + time_of(clip.get("duration")) * rate))
    assert found == expected(rate, start)
    source = root.find(".//media-rep").get("src")
    assert source.isascii()
    assert unquote(urlparse(source).path) == str(made / f"{name}.mov")


def test_films_of_several_rates_share_a_timeline(tmp_path, store, made, caplog):
    segments = [s for name in MADE for s in shots(store, name, made / f"{name}.mov")]
    edit = arrange(segments, name="all")
    assert edit.rate == NTSC_FILM
    passed = Fraction(0)
    for event in edit.events:
        assert (event.start, event.end) in {(CUTS[i], CUTS[i + 1]) for i in WANTED}
        passed += (event.end - event.start) / event.film.rate
        assert abs(event.record_end / edit.rate - passed) <= 1 / edit.rate
    root = check_fcpxml(fcpxml(edit))
    assert {e.get("srcFrameRate") for e in root.iter("conform-rate")} == {
        *("25", "29.97", "59.94", "24"),
    }
    assert arrange(segments, name="all", fps=25).rate == 25
    for suffix in formats():
        write_timeline(tmp_path / f"all{suffix}", segments)
    assert caplog.records == []


def test_real_films(tmp_path, store, films):
    names = {
        "sintel": "sintel/sintel.mp4",
        "tears": "tears_of_steel_battle_clip/tears_of_steel_battle_clip.webm",
        "nasa": "clips/nasa_13013.mp4",
        "flower": "clips/flower_closeup.mp4",
    }
    cuts = [0, 31, 32, 100, 149]
    for title, name in names.items():
        add_film(store, title, films / name, cuts)
        rate = read_footage(films / name).rate
        segments = segments_of_shots(store, [f"{title}/{i:05d}" for i in range(4)])
        for suffix in (".otio", ".edl"):
            path = tmp_path / f"{title}{suffix}"
            write_timeline(path, segments)
            options = {"rate": float(rate)} if suffix == ".edl" else {}
            timeline = otio.adapters.read_from_file(str(path), **options)
            assert source_frames(timeline, rate) == list(pairwise(cuts))
        check_fcpxml(fcpxml(arrange(segments, name=title)))
        assert [round(s * rate) for s in read_shot_list(path, float(rate))] == cuts[1:-1]


def test_variable_rates_are_said_and_the_nearest_frames_taken(tmp_path, store, caplog):
    times = uneven(201)
    film = numbered_film(tmp_path / "phone.mp4", 200, times=times[:-1])
    ticks = [16 * t for t in times]
    add_film(store, "phone", film, CUTS, times=ticks, time_base=Fraction(1, 16_000))
    segments = segments_of_shots(store, [f"phone/{i:05d}" for i in WANTED])
    with caplog.at_level(logging.WARNING):
        edit = arrange(segments, name="x")
    assert "phone: variable frame rate, counted at" in caplog.text
    assert edit.rate in {Fraction(24), Fraction(25), NTSC_FILM}
    for segment, event in zip(segments, edit.events, strict=True):
        moment = segment.span.start * segment.span.time_base
        assert abs(event.start / edit.rate - moment) <= 1 / (2 * edit.rate)
    for suffix in (".edl", ".otio", ".fcpxml"):
        write_timeline(tmp_path / f"x{suffix}", segments)
        assert "variable frame rate" in (tmp_path / f"x{suffix}").read_text()


def test_a_film_that_is_not_there_is_counted_by_its_shots(tmp_path, store, caplog):
    add_film(
        *(store, "gone", tmp_path / "gone.npz", [0, 10, 30]),
        times=list(range(40)),
        time_base=1 / NTSC,
    )
    segments = segments_of_shots(store, ["gone/00001"])
    edit = arrange(segments, name="x")
    assert (edit.rate, edit.drop) == (NTSC, True)
    assert (edit.events[0].start, edit.events[0].end) == (10, 30)
    assert "cannot be read" in caplog.text
    text = edl(edit)
    assert "00:00:00;10 00:00:01;00" in text
    reference = otio.adapters.read_from_string(otio_text(edit)).video_tracks()[0][0].media_reference
    assert reference.is_missing_reference
    check_fcpxml(fcpxml(edit))


def otio_text(edit: Edit) -> str:
    from mediafm_store.timelines.otio import otio as write

    return write(edit)


def test_a_rate_that_nothing_tells_is_an_error_with_its_cure(tmp_path, store, caplog):
    add_film(
        *(store, "gone", tmp_path / "gone.mp4", [0, 1000, 3000]),
        times=list(range(4000)),
        time_base=Fraction(1, 1000),
    )
    segments = segments_of_shots(store, ["gone/00001"])
    with pytest.raises(InvalidInput, match=r"gone\.mp4 does not exist.*--fps"):
        write_timeline(tmp_path / "x.edl", segments)
    assert not (tmp_path / "x.edl").exists()
    assert arrange(segments, name="x", fps=25).events[0].start == 25
    write_timeline(tmp_path / "x.csv", segments)  # seconds are known all the same
    row = next(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text())))
    assert (row["start_s"], row["start_frame"], row["start_timecode"]) == ("1.0", "", "")
    assert "no frames are told of gone" in caplog.text


def test_tables(tmp_path, store, made):
    segments = shots(store, "drop", made / "drop.mov")
    for suffix in (".csv", ".json"):
        write_timeline(tmp_path / f"x{suffix}", segments)
    rows = json.loads((tmp_path / "x.json").read_text())
    table = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text())))
    assert [row["label"] for row in table] == [s.label for s in segments]
    for row, line, segment, i in zip(rows, table, segments, WANTED, strict=True):
        assert Span(row["start"], row["end"], Fraction(row["time_base"])) == segment.span
        assert (row["start_frame"], row["end_frame"]) == (CUTS[i], CUTS[i + 1])
        assert row["start_timecode"] == timecode_of(
            frame_of("00:00:58;10", NTSC) + CUTS[i], NTSC, drop=True
        )
        assert {k: str(v) for k, v in row.items()} == line
    assert read_shot_list(tmp_path / "x.csv", float(NTSC)) == sorted(
        row["start_s"] for row in rows if row["start_s"] > 0
    )


def test_acts_lie_between_breaks_and_breaks_are_markers(tmp_path, store, made):
    add_film(store, "pal", made / "pal.mov", [0, 40, 80, 120, 160, 200])
    breaks = rank_breaks(store, "pal", constraints=BreakConstraints(min_gap_s=1, margin_s=1), k=2)
    parts = acts(store, "pal", breaks)
    after = sorted(int(found.after[-1]) for found in breaks)
    edges = [0, *(40 * i for i in after), 200]
    assert [s.label for s in parts] == ["pal act 1", "pal act 2", "pal act 3"]
    edit = arrange(parts, name="acts")
    assert [(e.start, e.end) for e in edit.events] == list(pairwise(edges))
    assert parts[0].marker == ""
    assert parts[1].marker.startswith("break 1: score 0.")
    path = tmp_path / "acts.edl"
    write_timeline(path, parts)
    locs = [line.split()[2] for line in path.read_text().splitlines() if "* LOC:" in line]
    assert locs == [timecode_of(90_000 + edge, Fraction(25)) for edge in edges[1:-1]]
    read = otio.adapters.read_from_file(str(path), rate=25.0)
    markers = [m for clip in read.video_tracks()[0] for m in clip.markers]
    assert [m.marked_range.start_time.value for m in markers] == [90_000 + e for e in edges[1:-1]]
    again = otio.adapters.read_from_string(otio_text(edit))
    marked = [m.marked_range.start_time.value for c in again.video_tracks()[0] for m in c.markers]
    assert marked == [900_000 + edge for edge in edges[1:-1]]
    root = check_fcpxml(fcpxml(edit))
    assert [time_of(m.get("start")) * 25 for m in root.iter("marker")] == marked
    cues = read_chapters(chapters(parts))
    assert [round(start * 25) for start, _, _ in cues] == edges[:-1]
    with pytest.raises(NotFound, match="nope"):
        acts(store, "nope", [])


def read_chapters(text: str) -> list[tuple[float, float, str]]:
    cues = []
    for block in text.split("\n\n")[2:]:
        _, times, words = block.strip().split("\n")
        start, _, end = times.partition(" --> ")
        seconds = [
            sum(float(part) * 60**i for i, part in enumerate(reversed(time.split(":"))))
            for time in (start, end)
        ]
        cues.append((*seconds, words))
    return cues


def test_chapters_of_one_film_lie_in_it_and_of_several_one_after_the_other(tmp_path, store, made):
    one = shots(store, "plain", made / "plain.mov")
    found = [chapter[0] for chapter in read_chapters(chapters(one))]
    assert found == pytest.approx(sorted(CUTS[i] / 24 for i in WANTED), abs=0.001)
    several = [*one, *shots(store, "pal", made / "pal.mov")]
    cues = read_chapters(chapters(several))
    assert cues[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(cues))
    path = tmp_path / "x.vtt"
    write_timeline(path, one)
    assert [cue.text for cue in read_cues(path)] == [s.label for s in sorted(one, key=starts)]


def starts(segment: Segment) -> int:
    return segment.span.start


def test_runs_of_shots(store, made):
    add_film(store, "pal", made / "pal.mov", CUTS)
    run = segment_of_run(store, "pal/00001", "pal/00003", note="x")
    event = arrange([run], name="x").events[0]
    assert (run.label, event.start, event.end) == ("pal/00001-00003", CUTS[1], CUTS[4])
    assert segment_of_run(store, "pal/00001", "pal/00001").label == "pal/00001"
    assert segment_of_run(store, "pal/00001", "pal/00002", label="scene 4").label == "scene 4"
    with pytest.raises(InvalidInput, match="in order"):
        segment_of_run(store, "pal/00002", "pal/00001")
    with pytest.raises(NotFound, match="pal/00009"):
        segment_of_run(store, "pal/00002", "pal/00009")
    with pytest.raises(NotFound, match="nope"):
        segments_of_shots(store, ["pal/00001", "nope/1"])
    with pytest.raises(InvalidInput, match=r"it is 8\.000 s long"):
        segment_of_times(store, "pal", 9, 10)


EVIL = (
    'x"\n002  EVIL V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00\r\n* LOC: --> <script>&'
    "\u2028]]>\x00\x1b=cmd"
)


def test_names_forge_nothing(tmp_path, store, made):
    add_film(store, "pal", made / "pal.mov", CUTS, name=EVIL)
    sly = segments_of_shots(store, ["pal/00001", "pal/00002"], {"pal/00001": EVIL})
    sly = [Segment(s.title, s.name, s.media, s.span, EVIL, s.note, EVIL) for s in sly]
    for suffix in formats():
        write_timeline(tmp_path / f"x{suffix}", sly)
    text = (tmp_path / "x.edl").read_text()
    assert sum(line[:1].isdigit() for line in text.splitlines()) == 2
    assert len(otio.adapters.read_from_file(str(tmp_path / "x.edl"), rate=25.0).tracks[0]) == 2
    root = check_fcpxml((tmp_path / "x.fcpxml").read_text())
    assert not list(root.iter("script"))
    assert len(read_chapters((tmp_path / "x.vtt").read_text())) == 2
    assert (tmp_path / "x.vtt").read_text().count("-->") == 2
    assert "<script" not in (tmp_path / "x.vtt").read_text()
    assert len(list(csv.reader(io.StringIO((tmp_path / "x.csv").read_text())))) == 3
    assert json.loads((tmp_path / "x.json").read_text())[0]["label"] == EVIL


def test_cells_are_no_formulas(tmp_path, store, made):
    add_film(store, "pal", made / "pal.mov", CUTS, name="=HYPERLINK(1)")
    write_timeline(tmp_path / "x.csv", segments_of_shots(store, ["pal/00001"]))
    row = next(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text())))
    assert row["name"] == "'=HYPERLINK(1)"


def test_reels_have_eight_characters_and_differ():
    wanted = {"a": "Die Überfahrt 1", "b": "Die Überfahrt 2", "c": "映画", "d": "映画二", "e": "ax"}
    reels = reel_names(wanted)
    assert reels == {"a": "DIEUBERF", "b": "DIEUBER2", "c": "REEL2", "d": "REEL3", "e": "AX2"}


def test_what_cannot_be_written_is_told(tmp_path, store, made):
    segments = shots(store, "pal", made / "pal.mov")
    with pytest.raises(
        InvalidInput, match=r"must end in \.edl, \.otio, \.fcpxml, \.csv, \.json, \.vtt"
    ):
        write_timeline(tmp_path / "x.aaf", segments)
    with pytest.raises(InvalidInput, match="no folder"):
        write_timeline(tmp_path / "none" / "x.edl", segments)
    with pytest.raises(InvalidInput, match="nothing to write"):
        write_timeline(tmp_path / "x.edl", [])
    write_timeline(tmp_path / "list.txt", segments, file_format="edl")
    assert (tmp_path / "list.txt").read_text().startswith("TITLE: list\n")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_notes_have_one_form():
    assert note_of(score=0.8123, reasons=("a", "b"), words="Hi") == "score 0.812; a; b; “Hi”"
    assert note_of() == ""


RATES = st.sampled_from([NTSC_FILM, Fraction(24), Fraction(25), NTSC, Fraction(30), NTSC_60])
TICKS = st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1, 12_288)])


@settings(max_examples=200, deadline=None)
@given(
    rate=RATES,
    tick=TICKS,
    start=st.integers(0, 2_000_000),
    cuts=st.lists(st.tuples(st.integers(0, 500_000), st.integers(1, 5000)), min_size=1, max_size=9),
)
def test_frames_survive_every_clock(rate, tick, start, cuts):
    """Times that a container has rounded to its ticks come out at the frames they were made of."""
    drop = can_drop(rate)
    film = FilmFrames("f", Path("/f.mov"), rate, start, drop, Fraction(0), None, "")
    events, placed = [], 0
    for first, length in cuts:
        ticks = [round(f / rate / tick) for f in (first, first + length)]
        segment = Segment("f", "F", film.media, Span(*ticks, tick), "f/0")
        frames = film.frames(segment.span)
        assert frames == (first, first + length)
        events.append(Event(segment, film, *frames, placed, placed + length))
        placed += length
    text = edl(Edit("e", timecode_rate(rate), drop, tuple(events)))
    lines = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    day = frame_of("23:59:59:00", rate, drop=drop) + round(rate)
    for (first, length), line in zip(cuts, lines, strict=True):
        assert frame_of(line[4], rate) == (start + first) % day
        assert frame_of(line[5], rate) == (start + first + length) % day


@given(st.text())
def test_one_line_is_one_line(text):
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line


def test_fcpxml_has_the_shape_that_is_shown(tmp_path, store):
    """Telephones film on their side, and the pixels of DVDs are not square."""
    tall = numbered_film(tmp_path / "tall.mp4", 200, rotation=90)
    wide = numbered_film(tmp_path / "wide.mp4", 200, aspect=Fraction(64, 45))
    for title, film, shape in (
        ("tall", tall, ("64", "96", None, None)),
        ("wide", wide, ("96", "64", "64", "45")),
    ):
        root = check_fcpxml(fcpxml(arrange(shots(store, title, film), name=title)))
        for made in root.iter("format"):
            assert tuple(map(made.get, ("width", "height", "paspH", "paspV"))) == shape
