"""From a script to an exact cutting list: which frames show what."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mediafm_store.demo.films.camera import SETUPS
from mediafm_store.demo.films.script import Screenplay

Frames = tuple[int, int]  # [start, end)
_SHOT_SECONDS = (1.2, 3.0)
_BLACK_SECONDS = Fraction(1, 2)
_FADE_SECONDS = Fraction(1, 3)


@dataclass(frozen=True, slots=True)
class SampleShot:
    """One shot: frames [start, end), where it belongs and which photograph it shows."""

    start: int
    end: int
    scene: int
    place: str
    setup: str
    photo: str


@dataclass(frozen=True, slots=True)
class CuttingList:
    """Positions in frames: shots and black segments fill the film without a gap.

    A `transition` covers a black segment and the fades around it: a detector may rightly report
    its one boundary anywhere in there.
    """

    shots: tuple[SampleShot, ...]
    black: tuple[Frames, ...]
    transitions: tuple[Frames, ...]

    @property
    def frames(self) -> int:
        """The length of the film."""
        return self.shots[-1].end

    @property
    def cuts(self) -> tuple[int, ...]:
        """The first frame of each shot but the first."""
        return tuple(shot.start for shot in self.shots[1:])


def plan_film(film: Screenplay, *, generator: np.random.Generator) -> CuttingList:
    """Lay out all shots of a film; their lengths are drawn from `generator`."""
    shots: list[SampleShot] = []
    black: list[Frames] = []
    transitions: list[Frames] = []
    now = 0
    for number, scene in enumerate(film.scenes):
        photos = film.places[scene.place].photos
        for setup in scene.cutting:
            end = now + round(generator.uniform(*_SHOT_SECONDS) * film.fps)
            photo = photos[SETUPS[setup].photo]
            shots.append(SampleShot(now, end, number, scene.place, setup, photo))
            now = end
        if scene.then != "cut":
            start, now = now, now + round(_BLACK_SECONDS * film.fps)
            fade = round(_FADE_SECONDS * film.fps) if scene.then == "fade" else 0
            black.append((start, now))
            transitions.append((start - fade, now + fade))
    return CuttingList(tuple(shots), tuple(black), tuple(transitions))
