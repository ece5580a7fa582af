"""HDR films are looked at as a usual screen shows them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from mediafm_store.clips.clip import cut_clip
from mediafm_store.encoders.efficientnet import EfficientNetLite0
from mediafm_store.media.hdr import _PQ as PQ
from mediafm_store.media.hdr import _pq_codes as pq_codes
from mediafm_store.media.hdr import _pq_nits as pq_nits
from mediafm_store.media.hdr import _rolled_off as rolled_off
from mediafm_store.media.hdr import tone_mapped
from mediafm_store.records import Span
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import read_shots
from tests.helpers.hdr_films import hdr_film

SHOT = 24


@pytest.fixture(scope="module")
def images():
    """Two shots of photographs, seen through a window that moves."""
    data = pytest.importorskip("skimage.data")
    return [
        np.ascontiguousarray(photo[n : n + 144, 40 + n : 296 + n])
        for photo in (data.coffee(), data.astronaut())
        for n in range(SHOT)
    ]


def pictures_of(path):
    warnings = []
    shots = list(read_shots(path, adaptive, warn=warnings.append))
    return shots, warnings


@pytest.mark.parametrize(("kind", "codec"), [("pq", "ffv1"), ("hlg", "ffv1"), ("pq", "libx265")])
def test_a_film_and_its_hdr_version_look_alike(tmp_path, images, kind, codec):
    encoder = EfficientNetLite0()
    blocks, middles = [], []
    for name in ("sdr", kind):
        shots, warnings = pictures_of(hdr_film(tmp_path / f"{name}.mkv", images, name, codec=codec))
        assert warnings == []
        assert [shot.span.start_s for shot in shots] == pytest.approx([0, 1], abs=0.01)
        middles.append([shot.middle for shot in shots])
        blocks.append(encoder.encode(middles[-1]).blocks)
    assert ((blocks[0] * blocks[1]).sum(axis=1) >= 0.95).all()
    for sdr, hdr in zip(*middles, strict=True):
        assert np.abs(sdr.astype(float) - hdr).mean() < 6  # highlights make room for brighter ones


@pytest.mark.parametrize("kind", ["pq", "hlg"])
def test_clips_of_hdr_keep_its_depth(tmp_path, images, kind):
    film = hdr_film(tmp_path / "film.mkv", images, kind)
    clip = cut_clip(film, Span(6, 18, Fraction(1, 24)), tmp_path / "clip")
    assert not clip.copied
    with av.open(str(clip.file)) as container, av.open(str(film)) as source:
        mine, theirs = (next(c.decode(video=0)) for c in (container, source))
    assert mine.format.name == "yuv420p10le"
    for name in ("color_trc", "color_primaries", "colorspace", "color_range"):
        assert getattr(mine, name) == getattr(theirs, name), name
    (shot,), _ = pictures_of(clip.file)
    assert np.abs(shot.middle.astype(float) - pictures_of(film)[0][0].middle).mean() < 4


def test_thumbnails_and_large_films_are_tone_mapped(tmp_path, images):
    """4K is made smaller before shots are found."""
    large = [np.repeat(np.repeat(image, 8, 0), 8, 1) for image in images[:2]]
    middles = []
    for kind in ("sdr", "pq"):
        film = hdr_film(tmp_path / f"{kind}.mkv", large, kind, codec="ffv1")
        (shot,), _ = pictures_of(film)
        middles.append(shot.middle.astype(float))
    assert np.abs(middles[0] - middles[1]).mean() < 6


@pytest.mark.parametrize(("kind", "matrix"), [("pq", 14), ("hlg", 10), ("sdr", 8)])
def test_colours_that_cannot_be_converted_are_told(tmp_path, images, kind, matrix):
    """FFmpeg's scaler refuses such pictures."""
    film = hdr_film(tmp_path / "film.mkv", images, kind, codec="ffv1", matrix=matrix)
    shots, (warning,) = pictures_of(film)
    assert len(shots) == 2
    assert warning.startswith("film.mkv is ")
    assert ("HDR" in warning) == (kind != "sdr")
    assert f"(matrix {matrix} of H.273)" in warning
    assert cut_clip(film, Span(6, 18, Fraction(1, 24)), tmp_path / "clip").frames == 12


def test_light_is_kept_up_to_a_knee_and_never_turned_round():
    nits = np.linspace(0.01, 1000, 5000)
    shown = rolled_off(nits)
    assert shown[nits < 90] == pytest.approx(nits[nits < 90], rel=1e-3)
    assert (np.diff(shown) > 0).all()
    assert shown[-1] == pytest.approx(203, rel=1e-3)
    assert pq_nits(pq_codes(nits)) == pytest.approx(nits, rel=1e-6)
    assert float(pq_codes(np.array([203.0]))[0]) == pytest.approx(0.58, abs=0.005)  # BT.2408


def test_grey_stays_grey_and_bright_colours_keep_their_hue():
    grey = np.repeat(np.arange(0, 65_536, 257, dtype=np.uint16)[None, :, None], 3, axis=2)
    shown = tone_mapped(grey, PQ).astype(int)
    assert np.ptp(shown, axis=2).max() <= 1
    assert (np.diff(shown[0, :, 1]) >= 0).all()
    assert (shown[0, 0, 0], shown[0, -1, 0]) == (0, 255)
