"""The pictures of a film, frame by frame, from its script and cutting list."""

from collections.abc import Iterator
from itertools import repeat

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from mediafm_store.demo.films.camera import GRADES, SETUPS, Framing, frame_shot, light
from mediafm_store.demo.films.edit import CuttingList, SampleShot
from mediafm_store.demo.films.photos import PHOTOS, load_photo
from mediafm_store.demo.films.script import Screenplay

_Stand = tuple[Image.Image, Framing]


def film_frames(
    film: Screenplay, cutting: CuttingList, *, generator: np.random.Generator
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """All frames of the film in order; `generator` moves each camera a little."""
    stands: dict[tuple[str, str], _Stand] = {}
    levels = _levels(cutting)
    black = np.zeros((film.size[1], film.size[0], 3), np.uint8)
    done = 0
    for shot in cutting.shots:
        yield from repeat(black, shot.start - done)
        key = (shot.place, shot.setup)
        if key not in stands:
            stands[key] = _set_up(film, shot, generator=generator)
        for number, pixels in enumerate(_shoot(film, shot, stands[key]), shot.start):
            dimmed = levels[number] < 1
            yield (pixels * levels[number]).astype(np.uint8) if dimmed else pixels
        done = shot.end


def _shoot(
    film: Screenplay, shot: SampleShot, stand: _Stand
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    photo, framing = stand
    move = SETUPS[shot.setup].move
    return frame_shot(photo, framing, move, frames=shot.end - shot.start, size=film.size)


def _set_up(film: Screenplay, shot: SampleShot, *, generator: np.random.Generator) -> _Stand:
    """Light the photograph and choose the framing; the shots of a setup share both."""
    setup = SETUPS[shot.setup]
    lit = light(load_photo(shot.photo), GRADES[film.places[shot.place].grade], setup.light)
    x, y = PHOTOS[shot.photo].focus[setup.point]
    x, y = x + generator.uniform(-0.04, 0.04), y + generator.uniform(-0.04, 0.04)
    size = setup.size * generator.uniform(0.93, 1.05)
    if setup.mirrored:
        lit, x = lit.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 1 - x
    return lit, Framing((x, y), size)


def _levels(cutting: CuttingList) -> Float[np.ndarray, " frames"]:
    """The brightness of each frame: 1, and down to 0 towards the black of a fade."""
    levels = np.ones(cutting.frames)
    for (start, end), (out, back) in zip(cutting.black, cutting.transitions, strict=True):
        ramp = np.linspace(1, 0, start - out + 1)[1:]
        levels[out:start], levels[end:back] = ramp, ramp[::-1]
    return levels
