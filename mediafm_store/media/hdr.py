"""HDR pictures as a usual screen shows them, so that they look like those of other films.

Both kinds of HDR of BT.2100 are understood, PQ (HDR10, Dolby Vision 8) and HLG. Light is brought
from BT.2020 to BT.709, and up to REFERENCE nits kept nearly as it is: white, by BT.2408.
"""

from functools import cache
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Float32, Float64, UInt8, UInt16

_PQ, _HLG = 16, 18
"""Transfer characteristics, as ITU-T H.273 numbers them."""
_MATRICES = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
"""Matrices, numbered as in H.273, that FFmpeg's scaler converts to RGB."""
_UNSPECIFIED, _BT2020 = 2, 9
_REFERENCE, _PEAK = 203.0, 1000.0
"""Nits of white, and of the brightest light that differs from white."""
_GAMMA = 2.4
"""Gamma of standard displays (BT.1886)."""
_CODES = 4096
"""Entries of tables: 12 bits, what PQ needs at most."""
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""Linear light of BT.2020 in the primaries of BT.709 (BT.2087)."""
_LUMA = np.array([[0.2627, 0.678, 0.0593]], np.float32)
Numbers = Float64[np.ndarray, "*shape"]


def is_hdr(picture: av.VideoFrame) -> bool:
    """True if a picture has to be tone mapped."""
    return picture.color_trc in {_PQ, _HLG}


def take_for_usual(picture: av.VideoFrame) -> bool:
    """Set a colour matrix that the scaler would refuse to the usual one.

    Returns:
        True if it was replaced: the colours are not exact then.
    """
    if picture.colorspace in _MATRICES:
        return False
    picture.colorspace = _BT2020 if is_hdr(picture) else _UNSPECIFIED
    return True


def tone_mapped(codes: UInt16[np.ndarray, "h w 3"], transfer: int) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of 16 bits as BT.2020 and a transfer of HDR code it, as RGB of 8 bits of BT.709."""
    import cv2

    tables = _tables_of(transfer)
    light = np.take(tables.light, codes >> 4)
    if transfer == _HLG:  # a gamma of its own, for a screen of PEAK nits
        light *= np.take(tables.bent, _places(cv2.transform(light, _LUMA)))[..., None]
    brightest = np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])
    light *= np.take(tables.gain, _places(brightest))[..., None]
    return np.take(tables.shown, _places(cv2.transform(light, _TO_709)))


def _places(light: Float32[np.ndarray, "*shape"]) -> UInt16[np.ndarray, "*shape"]:
    """Positions of light values in tables that are indexed by its square root."""
    root = np.sqrt(np.maximum(light, 0)) * (_CODES - 1) + 0.5
    return np.minimum(root, _CODES - 1).astype(np.uint16)


class _TransferTables(NamedTuple):
    """Light that each code of a transfer function stands for."""

    light: Float32[np.ndarray, " codes"]
    """Linear light, 1 at PEAK."""
    gain: Float32[np.ndarray, " codes"]
    """Factors for light that make REFERENCE 1, by the square root of its brightest channel."""
    bent: Float32[np.ndarray, " codes"]
    """Factors for the light of HLG, by the square root of its luminance."""
    shown: UInt8[np.ndarray, " codes"]
    """A value of 8 bits by the square root of light."""


@cache
def _tables_of(transfer: int) -> _TransferTables:
    """Tables of PQ or HLG."""
    codes = np.linspace(0, 1, _CODES)
    light = np.minimum(_pq_nits(codes) / _PEAK, 1) if transfer == _PQ else _hlg_light(codes)
    nits = np.maximum(codes**2 * _PEAK, 1e-3)
    return _TransferTables(
        light=light.astype(np.float32),
        gain=(_rolled_off(nits) / nits * _PEAK / _REFERENCE).astype(np.float32),
        bent=(codes**0.4).astype(np.float32),
        shown=np.rint(255 * (codes**2) ** (1 / _GAMMA)).astype(np.uint8),
    )


_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


def _pq_nits(codes: Numbers) -> Numbers:
    """The light of PQ (SMPTE ST 2084), 0 to 10,000 nits, of codes from 0 to 1."""
    power = codes ** (1 / _M2)
    return 10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def _pq_codes(nits: Numbers) -> Numbers:
    """The reverse of `_pq_nits`."""
    power = (nits / 10_000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _hlg_light(codes: Numbers) -> Numbers:
    """The light of the scene, 0 to 1, by HLG's codes (ARIB STD-B67)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)


def _rolled_off(nits: Numbers) -> Numbers:
    """Light up to PEAK nits as light up to REFERENCE, by the curve of BT.2390 (section 5.4.1)."""
    white, most = _pq_codes(np.array([_PEAK, _REFERENCE]))
    most /= white
    knee = 1.5 * most - 0.5
    code = _pq_codes(nits) / white
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    rolled = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * most
    )
    return _pq_nits(np.where(code < knee, code, rolled) * white)
