"""Lay the shots of a query along the shots of a scene, in order."""

import numpy as np
from jaxtyping import Float32, Int


def in_order(similar: Float32[np.ndarray, "rows shots"]) -> Int[np.ndarray, " rows"]:
    """The shot that stands for each row, later rows never before earlier ones.

    Of all such, those whose similarities have the greatest sum; a shot may stand for several rows,
    and some for none. (Dynamic time warping that may skip and start anywhere: Müller, "Information
    Retrieval for Music and Motion", 2007, section 4.4.)
    """
    totals = _totals_in_order(similar)
    chosen = [int(totals[-1].argmax())]
    for total in totals[-2::-1]:
        chosen.append(int(total[: chosen[-1] + 1].argmax()))
    return np.array(chosen[::-1])


def mean_in_order(similar: Float32[np.ndarray, "*more rows shots"]) -> Float32[np.ndarray, "*more"]:
    """The mean similarity of rows and the shots that stand for them."""
    return np.asarray(_totals_in_order(similar)[-1].max(axis=-1) / similar.shape[-2])


def _totals_in_order(
    similar: Float32[np.ndarray, "*more rows shots"],
) -> list[Float32[np.ndarray, "*more shots"]]:
    """After each row: the greatest sum up to it if it is laid on each of the shots."""
    total = np.zeros_like(similar[..., 0, :])
    totals = []
    for row in range(similar.shape[-2]):
        total = np.maximum.accumulate(total, axis=-1) + similar[..., row, :]
        totals.append(total)
    return totals
