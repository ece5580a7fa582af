"""Clips cut from a film, made worse: is each found at its place?"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mediafm_store import Storage, search
from mediafm_store.clips.write import write_video
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.media.sound import SAMPLE_RATE, sound

CLIPS, SHORTEST_S, LONGEST_S = 50, 3.0, 20.0
WIDTH, DARKER = 320, 0.8


def clip_rows(
    store: Storage, film: Path, folder: Path, encoders: Encoders
) -> Iterator[dict[str, Any]]:
    """For random clips of a film: whether each is recognised at the place where it was cut.

    Each is scaled to 320 pixels, made 20 % darker and encoded anew, picture and sound.
    """
    rng = np.random.default_rng(0)
    heard = np.concatenate(list(sound(film)))
    length = store.title(film.stem)["duration_s"]
    for number in range(CLIPS):
        duration = rng.uniform(SHORTEST_S, LONGEST_S)
        start = rng.uniform(0, length - duration)
        clip = folder / f"clip_{number:02}.mp4"
        write_clip(film, clip, start, duration, heard)
        hits = search(store, clip=clip, k=1, least=0, encoders=encoders, device="cpu")
        found = hits.origin
        yield {
            "start_s": start,
            "end_s": start + duration,
            "found": found and f"{found.title} {found.start_s:.1f}",
            "right": found is not None
            and found.title == film.stem
            and found.start_s < start + duration
            and found.end_s > start,
        }


def write_clip(
    film: Path, clip: Path, start_s: float, duration_s: float, heard: np.ndarray
) -> None:
    """A segment of a film, smaller and darker."""
    frames = []
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        rate = Fraction(stream.average_rate or 25)
        container.seek(int(start_s * av.time_base))
        for frame in container.decode(stream):
            time = frame.time or 0.0
            if time >= start_s + duration_s:
                break
            if time >= start_s:
                height = 2 * round(WIDTH * frame.height / frame.width / 2)
                pixels = frame.reformat(WIDTH, height, "rgb24").to_ndarray()
                frames.append((DARKER * pixels).astype(np.uint8))
    first, last = (round(s * SAMPLE_RATE) for s in (start_s, start_s + duration_s))
    write_video(clip, frames, fps=rate, audio=heard[first:last], audio_rate=SAMPLE_RATE)
