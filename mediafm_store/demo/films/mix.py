"""The soundtrack and the dialogue of a film, from its script and cutting list."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from mediafm_store.demo.films.edit import CuttingList
from mediafm_store.demo.films.script import Screenplay
from mediafm_store.demo.films.sounds import synthesise
from mediafm_store.records import Cue

RATE = 16_000
_RAMP_SECONDS = 0.05


def soundtrack(
    film: Screenplay, cutting: CuttingList, *, generator: np.random.Generator
) -> Float32[np.ndarray, " n"]:
    """The sound of each scene, at 16 kHz, with silence where the picture is black."""
    track = np.zeros(round(cutting.frames * RATE / film.fps), np.float32)
    for number, (start, end) in enumerate(scene_frames(cutting)):
        first, last = round(start * RATE / film.fps), round(end * RATE / film.fps)
        name = film.places[film.scenes[number].place].sound
        wave = synthesise(name, last - first, RATE, generator=generator)
        ramp = np.linspace(0, 1, round(_RAMP_SECONDS * RATE), dtype=np.float32)
        wave[: len(ramp)] *= ramp  # no click at the joins
        wave[-len(ramp) :] *= ramp[::-1]
        track[first:last] = wave
    return track


def dialogue(film: Screenplay, cutting: CuttingList) -> list[Cue]:
    """The lines of each scene, spread over it; a line lasts as long as it takes to read."""
    cues = []
    for scene, (start, end) in zip(film.scenes, scene_frames(cutting), strict=True):
        slot = float((end - start) / film.fps) / max(len(scene.lines), 1)
        for n, line in enumerate(scene.lines):
            at = float(start / film.fps) + slot * n + 0.1 * slot
            cues.append(Cue(at, at + min(0.8 + 0.05 * len(line), 0.8 * slot), line))
    return cues


def scene_frames(cutting: CuttingList) -> Iterator[tuple[int, int]]:
    """The frames [start, end) of each scene, without the black between scenes."""
    for number in range(cutting.shots[-1].scene + 1):
        shots = [shot for shot in cutting.shots if shot.scene == number]
        yield shots[0].start, shots[-1].end
