"""Stores of films that exist, with shots at frames that are known."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from mediafm_store.records import Span
from mediafm_store.storage.rows import TitleRows
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.segment import Segment
from tests.conftest import random_vectors, shot_row, title_rows
from tests.helpers.odd_films import make_film

NTSC_FILM, NTSC, NTSC_60 = (Fraction(n * 1000, 1001) for n in (24, 30, 60))


def add_film(
    store: Storage, title: str, media: Path, cuts, *, times=None, time_base=None, **columns
):
    """A title whose shots start at the frames `cuts`, and end at the last of them.

    `times` are the ticks of all frames and of the end; else those of the file.
    """
    if times is None:
        times, time_base = frame_times(media)
    rows = title_rows(store, title, random_vectors(len(cuts) - 1), media=str(media), **columns)
    shots = []
    for i, (first, last) in enumerate(pairwise(cuts)):
        start, end = times[first], times[last]
        start_s, end_s = float(start * time_base), float(end * time_base)
        place = {"start": start, "end": end, "start_s": start_s, "end_s": end_s}
        base = {"time_base_num": time_base.numerator, "time_base_den": time_base.denominator}
        shots.append(shot_row(f"{title}/{i:05d}", i, **place, **base, duration_s=end_s - start_s))
    row = rows.title | {"duration_s": shots[-1]["end_s"]}
    store.add_title(TitleRows(row, shots, [], rows.thumbnails, rows.vectors))


def frame_times(media: Path) -> tuple[list[int], Fraction]:
    """When each picture of a file is shown, in ticks from its start, and when the last one ends."""
    with av.open(str(media)) as container:
        pictures = container.streams.best("video")
        start = round(Fraction(container.start_time, av.time_base) / pictures.time_base)
        found = [(p.pts, p.duration) for p in container.demux(pictures) if p.pts is not None]
        found.sort()
        last = found[-1]
        nominal = round(1 / (pictures.average_rate * pictures.time_base))
        ticks = [pts - start for pts, _ in found] + [last[0] + (last[1] or nominal) - start]
        return ticks, pictures.time_base


def numbered(count: int, *, size=(96, 64)):
    """Pictures that say which one they are: their number in bright and dark bars."""
    width, height = size
    for number in range(count):
        image = np.full((height, width, 3), 40, np.uint8)
        for bit in range(12):
            if number >> bit & 1:
                image[:, 8 * bit : 8 * bit + 8] = 220
        yield image


def number_of(image: np.ndarray) -> int:
    """Which one of the `numbered` pictures it is."""
    return sum(1 << bit for bit in range(12) if image[:, 8 * bit + 2 : 8 * bit + 6].mean() > 128)


def numbered_film(path: Path, count: int = 240, **options) -> Path:
    """A film of `numbered` pictures, with a key frame every 48 of them, or as `options` say."""
    keys = {"g": "48", "keyint_min": "48", "sc_threshold": "0", "bf": "2"}
    usual = {"images": list(numbered(count)), "options": keys} if "codec" not in options else {}
    return make_film(path, **(usual | options))


def numbers(path: Path) -> list[int]:
    """The numbers of a film's pictures, in play order."""
    with av.open(str(path)) as container:
        return [number_of(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def two_segments(media: Path = Path("film.mov"), **texts: str) -> list[Segment]:
    """Two segments of one film, 25 frames a second, with a gap between them."""
    spans = [Span(10, 60, Fraction(1, 25)), Span(85, 135, Fraction(1, 25))]
    return [
        Segment(
            "film", **{"name": "Film", "label": f"film/{i:05d}"} | texts, media=media, span=span
        )
        for i, span in enumerate(spans)
    ]
