"""What every timeline format must do: nothing is lost, and no name is taken for anything else."""

import csv
import html
import io
import json
import re
from fractions import Fraction
from xml.etree import ElementTree

import opentimelineio as otio
import pytest

from mediafm_store import plugins
from mediafm_store.errors import InvalidInput
from mediafm_store.timelines.writers import check_format, formats, write_timeline
from tests.helpers.timelines import numbered_film, two_segments

NAMES = plugins.names("timelines")
PLAIN = {"name": "Tom Jerry", "label": "Tom Jerry", "note": "a note", "marker": "a marker"}
EVIL = (
    "Tom \"x\" <b>&amp; & 'y'\n002  EVIL V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00\r\n"
    "]]> --> \u2028</note>, Jerry"
)
SLY = dict.fromkeys(PLAIN, EVIL)
FRAMES = [(10, 60), (85, 135)]
"""Where `two_segments` lie in their film."""


def write(suffix: str, segments, *, name: str = "cut", fps: Fraction | None = None) -> str:
    return plugins.load("timelines", suffix)(segments, name=name, fps=fps)


def frames_of_clips(timeline) -> list[tuple[int, int]]:
    ranges = [clip.source_range for clip in timeline.video_tracks()[0]]
    return [(int(r.start_time.value), int(r.end_time_exclusive().value)) for r in ranges]


def from_edl(text: str) -> list[tuple[int, int]]:
    return frames_of_clips(otio.adapters.read_from_string(text, "cmx_3600", rate=25.0))


def from_otio(text: str) -> list[tuple[int, int]]:
    return frames_of_clips(otio.adapters.read_from_string(text, "otio_json"))


def from_fcpxml(text: str) -> list[tuple[int, int]]:
    clips = ElementTree.fromstring(text).iter("asset-clip")
    times = [[Fraction(clip.get(key)[:-1]) * 25 for key in ("start", "duration")] for clip in clips]
    return [(int(start), int(start + duration)) for start, duration in times]


def from_rows(rows) -> list[tuple[int, int]]:
    return [(int(row["start_frame"]), int(row["end_frame"])) for row in rows]


def from_vtt(text: str) -> list[tuple[int, int]]:
    lines = [line.split(" --> ") for line in text.splitlines() if " --> " in line]
    return [tuple(round(25 * seconds(clock)) for clock in line) for line in lines]


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


READERS = {
    "edl": from_edl,
    "otio": from_otio,
    "fcpxml": from_fcpxml,
    "csv": lambda text: from_rows(csv.DictReader(io.StringIO(text))),
    "json": lambda text: from_rows(json.loads(text)),
    "vtt": from_vtt,
}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return numbered_film(tmp_path_factory.mktemp("films") / "film.mov", 150, fps=Fraction(25))


@pytest.fixture(params=NAMES)
def suffix(request):
    return request.param


@pytest.mark.parametrize("texts", [PLAIN, SLY], ids=["plain", "sly"])
def test_no_segment_is_lost(suffix, film, texts):
    if suffix not in READERS:
        pytest.skip(f"nothing here reads .{suffix}: add a reader to READERS")
    assert READERS[suffix](write(suffix, two_segments(film, **texts), name=texts["name"])) == FRAMES


def test_a_title_adds_no_line(suffix, film):
    plain, sly = (
        write(suffix, two_segments(film, **texts), name=texts["name"]) for texts in (PLAIN, SLY)
    )
    assert plain.strip()
    assert [len(re.findall(r"[\r\n]", text)) for text in (sly, plain)] == [plain.count("\n")] * 2


@pytest.mark.parametrize("texts", [PLAIN, SLY], ids=["plain", "sly"])
def test_labels_are_written(suffix, film, texts):
    text = html.unescape(write(suffix, two_segments(film, **texts)))
    assert text.count("Tom") >= 2
    assert text.count("Jerry") >= 2


def test_each_segment_adds_to_the_text(suffix, film):
    segments = two_segments(film, **PLAIN)
    both, first, second = (write(suffix, part) for part in (segments, segments[:1], segments[1:]))
    assert len(both) > max(len(first), len(second))
    assert first != second


def test_a_rate_can_be_given_where_no_film_is(suffix, tmp_path):
    assert write(suffix, two_segments(tmp_path / "gone.mov"), fps=Fraction(30)).strip()


def test_the_suffix_chooses_it(suffix, film, tmp_path):
    path, segments = tmp_path / f"cut.{suffix.upper()}", two_segments(film, **PLAIN)
    write_timeline(path, segments)
    assert path.read_text(encoding="utf-8") == write(suffix, segments)


def test_an_unknown_suffix_is_refused_and_the_known_ones_named(tmp_path):
    assert sorted(formats()) == [f".{name}" for name in NAMES]
    with pytest.raises(InvalidInput, match=f"must end in {', '.join(formats())}$"):
        check_format(tmp_path / "x.aaf")
