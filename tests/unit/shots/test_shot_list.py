"""Shot lists: what is read, what is refused, and that shots come out where the list has them."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store.errors import InvalidInput
from mediafm_store.shots.detectors import DetectorFrame
from mediafm_store.shots.shot_list import _timecode as timecode
from mediafm_store.shots.shot_list import listed, read_shot_list

NTSC_FILM = 24000 / 1001
NTSC = 30000 / 1001
PIXEL = np.zeros((1, 1, 3), np.uint8)
EDL = """TITLE: REEL ONE
FCM: NON-DROP FRAME

001  AX       V     C        00:00:00:00 00:00:02:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: first.mov
002  AX       AA    C        00:00:00:00 00:00:05:00 01:00:00:12 01:00:05:12
003  BX       V     C        00:00:02:00 00:00:04:00 01:00:02:00 01:00:04:00
004  BX       V     C        00:00:04:00 00:00:04:00 01:00:04:00 01:00:04:00
004  CX       V     D    012 00:00:10:00 00:00:13:00 01:00:04:00 01:00:07:00
005  A LONG REEL AA/V W001 010 00:00:10:00 00:00:14:00 01:00:07:12 01:00:09:12
M2   DX       048.0          00:00:10:00
006  DX       B     C        00:00:10:00 00:00:14:00 01:00:09:12 01:00:10:00
"""
SCENES = """Timecode List:,00:00:02.125,00:00:05.000
Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame
1,1,00:00:00.000,0.000,51
2,52,00:00:02.125,2.125,120
3,121,00:00:05.000,5.000,240
"""


def read(tmp_path, text: str | bytes, name: str = "shots.csv", fps: float = 24.0) -> list[float]:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_shot_list(path, fps)


def frames(count: int, fps: float, first_s: float = 0.0) -> list[DetectorFrame]:
    return [DetectorFrame(first_s + number / fps, PIXEL) for number in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        "start\n0\n2.125\n5\n",
        "shot,start_s,end_s\n1,0,2.125\n2,2.125,5\n3,5.0,9\n",
        "START\n00:00:00.000\n00:00:02.125\n0:05\n",
        "start\n00:00:00:00\n00:00:02:03\n00:00:05:00\n",
        "start\n01:00:00:00\n01:00:02:03\n01:00:05:00\n",
        "start_frame\n0\n51\n120\n",
        "Start Frame\n1\n52\n121\n",
        "name;start\na;0\nb;2,125\nc;5\n",
        "name\tstart time\na\t0\nb\t00:00:02,125\nc\t5\n",
        "\ufeffstart\r\n5\r\n\r\n2.125\r\n0\r\n5\r\n",
        SCENES,
        SCENES.split("\n", 1)[1],
        SCENES.replace("Start Time (seconds)", "x").replace("Start Timecode", "y"),
    ],
)
def test_tables_name_their_starts_in_many_ways(tmp_path, text):
    assert read(tmp_path, text) == pytest.approx([2.125, 5.0])


def test_the_package_itself_writes_what_is_read(tmp_path):
    from scenedetect import FrameTimecode
    from scenedetect.output import write_scene_list

    cuts = [0, 51, 120, 240]
    times = [FrameTimecode(cut, NTSC_FILM) for cut in cuts]
    path = tmp_path / "scenes.csv"
    write_scene_list(str(path), list(pairwise(times)))
    starts = read_shot_list(path, NTSC_FILM)
    assert list(listed(starts)(frames(240, NTSC_FILM), NTSC_FILM)) == cuts[1:3]


def test_events_of_an_edl_count_from_the_first(tmp_path):
    assert read(tmp_path, EDL, "REEL.EDL") == [2.0, 4.0, 7.5, 9.5]


def test_non_drop_timecode_runs_slower_than_the_clock(tmp_path):
    assert read(tmp_path, EDL, "a.edl", NTSC_FILM)[0] == pytest.approx(2.002)
    assert read(tmp_path, EDL, "a.edl", 23.98)[0] == pytest.approx(2.002)


@pytest.mark.parametrize(
    ("text", "fps", "frame"),
    [
        ("00:00:59;29", NTSC, 1799),
        ("00:01:00;02", NTSC, 1800),
        ("00:10:00;00", NTSC, 17982),
        ("01:00:00;00", NTSC, 107892),
        ("01:00:00:00", NTSC, 108000),
        ("00:01:00;04", 2 * NTSC, 3600),
        ("01:00:00:00", NTSC_FILM, 86400),
    ],
)
def test_drop_frame_skips_numbers_not_frames(text, fps, frame):
    assert timecode(text, fps) * fps == pytest.approx(frame)


def test_a_drop_frame_list_may_say_so_once(tmp_path):
    text = EDL.replace("NON-DROP", "DROP").replace(" 01:00:02:00", " 01:01:00:02")
    assert read(tmp_path, text, "a.edl", NTSC)[-1] == pytest.approx(1800 / NTSC)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "end\n1\n", "no column called start"),
        ("a.csv", "", "no column called start"),
        ("a.csv", "start\n", "names no shot"),
        ("a.csv", "start\n1\nsoon\n", "line 3: 'soon' is not a time such as 12.5"),
        ("a.csv", "start\n-1\n", "line 2"),
        ("a.csv", "start\nnan\n", "line 2"),
        ("a.csv", "start\n1e999\n", "line 2"),
        ("a.csv", "n,start\n1\n", "line 2: '' is not a time"),
        ("a.csv", "start\n00:00:00:24\n", "does not exist at the film's 24.000"),
        ("a.csv", "start\n00:00:00;20\n", "is drop frame, but the film has 24.000"),
        ("a.csv", "start\n2,125\n", "line 2: more cells than the header"),
        ("a.edl", "", "no video event"),
        ("a.edl", EDL.replace(" V ", " A ").replace("AA/V", "AA").replace(" B ", " A "), "video"),
        ("a.edl", EDL.replace("01:00:04:00", "01:00:04:99"), "line 7"),
        ("a.edl", "001 AX V C 1 2 3\n", "line 1: not an event"),
        ("a.txt", "start\n1\n", "must end in .csv, .tsv, .edl"),
    ],
)
def test_errors_name_file_line_and_cure(tmp_path, name, text, says):
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, text, name)
    message = str(caught.value)
    assert name in message
    assert says in message
    assert "\n" not in message


def test_a_missing_list_is_one_clear_error(tmp_path):
    with pytest.raises(InvalidInput, match=r"none\.csv cannot be read"):
        read_shot_list(tmp_path / "none.csv", 24.0)


@given(
    cuts=st.sets(st.integers(1, 3000), max_size=40),
    rate=st.sampled_from(
        [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001)]
    ),
    form=st.sampled_from(["seconds", "timecode", "frames"]),
)
def test_cuts_come_back_at_the_same_frames(tmp_path_factory, cuts, rate, form):
    fps, nominal = float(rate), round(rate)

    def written(cut: int) -> str:
        second, frame = divmod(cut, nominal)
        return {
            "seconds": f"{cut / fps:.3f}",
            "timecode": f"01:{second // 60:02d}:{second % 60:02d}:{frame:02d}",
            "frames": str(cut),
        }[form]

    header = "start_frame" if form == "frames" else "start"
    text = "\n".join([header, *(written(cut) for cut in [0, *sorted(cuts)])])
    starts = read(tmp_path_factory.mktemp("list"), text, fps=fps)
    assert list(listed(starts)(frames(3001, fps), fps)) == sorted(cuts)


def test_starts_between_frames_go_to_the_nearest_and_late_ones_nowhere():
    detector = listed([0.0, 0.26, 0.55, 0.56, 0.84, 99.0])
    assert list(detector(frames(10, 10.0), 10.0)) == [3, 5, 6, 8]


def test_a_start_before_the_first_frame_is_no_cut():
    assert list(listed([0.5, 1.2])(frames(10, 10.0, first_s=1.0), 10.0)) == [2]


def test_frames_of_uneven_length_are_found_by_their_time():
    seen = [DetectorFrame(s, PIXEL) for s in (0.0, 0.1, 0.7, 0.8, 2.0)]
    assert list(listed([0.4, 0.5, 0.8, 1.5])(seen, 10.0)) == [2, 3, 4]


@settings(max_examples=150, deadline=None)
@given(
    source=st.sampled_from([("a.csv", SCENES), ("a.csv", "start;n\n1,5;a\n"), ("a.edl", EDL)]),
    edits=st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 6),
            st.one_of(
                st.sampled_from(
                    [b'"', b";", b":", b"\x00", b"\n", b"99", b"9" * 500, "²".encode()]
                ),
                st.binary(max_size=4),
            ),
        ),
        min_size=1,
        max_size=6,
    ),
    fps=st.sampled_from([1.0, 12.5, NTSC_FILM, 25.0, NTSC, 1000.0]),
)
def test_damaged_lists_are_read_or_refused(tmp_path_factory, source, edits, fps):
    name, text = source
    raw = text.encode()
    for place, removed, inserted in edits:
        raw = raw[:place] + inserted + raw[place + removed :]
    try:
        starts = read(tmp_path_factory.mktemp("list"), raw, name, fps)
    except InvalidInput as error:
        message = str(error)
        starts = []
    else:
        message = ""
    assert "\n" not in message
    assert starts == sorted(set(starts))
    assert all(start > 0 for start in starts)
