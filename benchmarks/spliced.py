"""Ad breaks in spliced programmes: `python -m benchmarks.spliced`, with `--media` of other films.

Segments of 40 to 90 s of different films, taken from random places, are joined into programmes
(pictures cropped to one size, one frame rate, sound and subtitles along), which are ingested,
trained on and embedded in a store of their own. Cuts are ranked without guard constraints. The
weights of the signs are the documented defaults; nothing is chosen here.

  ap         average precision of the known joints (within 1 s) among the cuts; a joint where no cut
             was found counts as never found. Mean over programmes with its 95 % interval (Student)
  kept       of as many breaks as there are joints, with the default guard constraints: at a joint
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.common import media_folder, print_table, student, write_results
from mediafm_store import AdBreak
from mediafm_store.ad_breaks.learned_weights import _nearest_cuts as nearest_cuts
from mediafm_store.ad_breaks.rank import _rank_cuts as rank_cuts
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.clips.write import write_video
from mediafm_store.embedding.embed import embed
from mediafm_store.errors import InvalidInput
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.media.decode import decoded, main_picture, open_media
from mediafm_store.media.footage import read_footage
from mediafm_store.media.sound import SAMPLE_RATE, sound
from mediafm_store.storage.storage import Storage
from mediafm_store.subtitles.parse import read_cues
from mediafm_store.training.train import train

PROGRAMMES, SEGMENTS = 4, 7
LENGTH_S = (40.0, 90.0)
WIDTH, HEIGHT, RATE = 320, 180, 24
SUFFIXES = {".mp4", ".webm", ".mkv", ".mov", ".ogv", ".mpg"}
WAYS: dict[str, Callable[[AdBreak], float]] = {
    "all signs, default weights": lambda b: b.score,
    "change alone": lambda b: b.signs["change"],
    "scene boundary alone": lambda b: b.signs["scene"],
    "black and silence alone": lambda b: b.signs["dark"] + b.signs["quiet"],
}


class Segment(NamedTuple):
    """A part of a film."""

    film: Path
    start_s: float
    length_s: float


def main() -> None:
    """Measure and write benchmarks/results/spliced.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, help="folder of films")
    given = parser.parse_args()
    found = spliced(given.media or media_folder())
    print_table(found["ways"])
    print(f"joints {found['joints']}, at a cut {found['found']}, kept {found['kept']}")
    write_results("spliced", found)


def spliced(media: Path, *, programmes: int = PROGRAMMES) -> dict[str, Any]:
    """How well joints are ranked; `spliced_ap` and `spliced_chance` are means over programmes."""
    films = {film: length for film, length in lengths(media) if length >= LENGTH_S[0]}
    with tempfile.TemporaryDirectory() as folder:
        joints: dict[str, list[float]] = {}
        for seed in range(programmes):
            path = Path(folder) / f"programme_{seed}.mp4"
            chosen = segments(films, SEGMENTS, np.random.default_rng(seed))
            joints[path.stem] = write_programme(path, chosen)
        store = Storage(Path(folder) / "store", create=True)
        ingest(store, [Path(folder)])
        train(store, preset="tiny", device="cpu")
        embed(store, device="cpu")
        graded = [grade(store, title, times) for title, times in joints.items()]
    ways = [row(way, [g[way] for g in graded]) for way in (*WAYS, "chance")]
    return {
        "spliced_ap": ways[0]["ap"],
        "spliced_chance": ways[-1]["ap"],
        "ways": ways,
        "films": sorted(film.name for film in films),
        **{name: sum(g[name] for g in graded) for name in ("joints", "found", "kept", "cuts")},
    }


def row(way: str, values: Sequence[float]) -> dict[str, Any]:
    """The mean of one way over programmes, and its interval."""
    found = student(values)
    return {"way": way, "ap": found.value, "low": found.low, "high": found.high}


def grade(store: Storage, title: str, joints: Sequence[float]) -> dict[str, float]:
    """Of one programme."""
    ranked = rank_cuts(store, title)
    good = nearest_cuts(np.array([b.seconds for b in ranked]), joints)
    share = good.sum() / len(joints)
    kept = rank_breaks(store, title, k=len(joints))
    at_joint = nearest_cuts(np.array([b.seconds for b in kept]), joints)
    scores = {
        way: float(share * average_precision_score(good, [of(b) for b in ranked]))
        for way, of in WAYS.items()
    }
    return scores | {
        "chance": float(share * good.mean()),
        "joints": len(joints),
        "found": int(good.sum()),
        "kept": int(at_joint.sum()),
        "cuts": len(ranked),
    }


# Making programmes


def lengths(media: Path) -> Iterator[tuple[Path, float]]:
    """The films of a folder and how long they are."""
    for film in sorted(f for f in media.rglob("*") if f.suffix in SUFFIXES):
        try:
            yield film, float(read_footage(film).length_s)
        except InvalidInput:
            continue


def segments(films: dict[Path, float], count: int, rng: np.random.Generator) -> list[Segment]:
    """Random segments, none next to one of the same film (nor of its trailer), none overlapping."""
    free = {film: [(0.0, length)] for film, length in films.items()}
    found: list[Segment] = []
    while len(found) < count:
        gaps = [
            (film, gap)
            for film, spans in free.items()
            for gap in spans
            if gap[1] - gap[0] >= LENGTH_S[0] and not (found and akin(film, found[-1].film))
        ]
        if not gaps:
            break
        names = sorted({film for film, _ in gaps})
        left = np.array([sum(g[1] - g[0] for f, g in gaps if f == name) for name in names])
        film = names[rng.choice(len(names), p=left / left.sum())]
        own = [gap for name, gap in gaps if name == film]
        begin, end = own[rng.integers(len(own))]
        length = rng.uniform(LENGTH_S[0], min(LENGTH_S[1], end - begin))
        start = rng.uniform(begin, end - length)
        free[film].remove((begin, end))
        free[film] += [(begin, start), (start + length, end)]
        found.append(Segment(film, start, length))
    return found


def akin(one: Path, other: Path) -> bool:
    """Whether a film is the other, or a trailer or a clip of it."""
    return one.stem.startswith(other.stem) or other.stem.startswith(one.stem)


def write_programme(path: Path, chosen: Sequence[Segment]) -> list[float]:
    """Join segments into one video, with its subtitles beside it; where the joints are, seconds."""
    counts = [round(s.length_s * RATE) for s in chosen]
    starts = np.cumsum([0, *counts]) / RATE
    audio = np.concatenate(
        [part_of(heard(s.film), s.start_s, n) for s, n in zip(chosen, counts, strict=True)]
    )
    shown = (picture for s, n in zip(chosen, counts, strict=True) for picture in pictures(s, n))
    write_video(path, shown, fps=RATE, audio=audio, audio_rate=SAMPLE_RATE)
    path.with_suffix(".srt").write_text(subtitles(chosen, starts.tolist()), encoding="utf-8")
    return [float(at) for at in starts[1:-1]]


@cache
def heard(film: Path) -> np.ndarray:
    """All of a film's sound."""
    return np.concatenate([np.zeros(0, np.float32), *sound(film)])


def part_of(samples: np.ndarray, start_s: float, frames: int) -> np.ndarray:
    """The sound of so many frames, with silence where there is none."""
    first, count = round(start_s * SAMPLE_RATE), round(frames * SAMPLE_RATE / RATE)
    part = samples[first : first + count]
    return np.pad(part, (0, count - len(part)))


def pictures(segment: Segment, count: int) -> Iterator[np.ndarray]:
    """`count` pictures of a segment at RATE, each the last that was shown by then."""
    made, last = 0, None
    with open_media(segment.film) as container:
        stream = main_picture(container, segment.film)
        container.seek(int(segment.start_s * av.time_base))
        for frame in decoded(container, stream, segment.film.name, lambda text: None):
            place = ((frame.time or 0.0) - segment.start_s) * RATE
            while last is not None and made < min(place, count):
                yield cropped(last)
                made += 1
            if made >= count:
                return
            last = frame
    while last is not None and made < count:
        yield cropped(last)
        made += 1


def cropped(frame: av.VideoFrame) -> np.ndarray:
    """The middle of a picture that fills WIDTH x HEIGHT."""
    scale = max(Fraction(WIDTH, frame.width), Fraction(HEIGHT, frame.height))
    width, height = (2 * -(-round(side * scale) // 2) for side in (frame.width, frame.height))
    pixels = frame.reformat(width, height, "rgb24").to_ndarray()
    left, top = (width - WIDTH) // 2, (height - HEIGHT) // 2
    return np.ascontiguousarray(pixels[top : top + HEIGHT, left : left + WIDTH])


def subtitles(chosen: Sequence[Segment], starts: Sequence[float]) -> str:
    """What is said in the segments, as SRT."""
    blocks: list[str] = []
    for segment, start in zip(chosen, starts, strict=False):
        begin, end = segment.start_s, segment.start_s + segment.length_s
        for cue in words(segment.film):
            if begin <= cue.start_s and cue.end_s <= end:
                times = (start + t - begin for t in (cue.start_s, cue.end_s))
                blocks.append(f"{len(blocks) + 1}\n{' --> '.join(map(clock, times))}\n{cue.text}\n")
    return "\n".join(blocks)


def words(film: Path) -> Sequence[Any]:
    """The subtitles that lie beside a film."""
    for suffix in (".en.srt", ".en.vtt"):
        if (path := film.with_suffix(suffix)).is_file():
            return read_cues(path)
    return ()


def clock(seconds: float) -> str:
    """As SRT writes it."""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"


if __name__ == "__main__":
    main()
