"""Lay the shots of a query along the shots of a scene, in order."""

import numpy as np
from jaxtyping import Float32, Int


def in_order(similar: Float32[np.ndarray, "rows shots"]) -> Int[np.ndarray, " rows"]:
    """Align rows with shots in order: later rows never map to earlier shots.

    The alignment has the greatest sum of similarities; a shot may stand for several rows, and some
    for none. (Dynamic time warping that may skip and start anywhere: Müller, "Information Retrieval
    for Music and Motion", 2007, section 4.4.)

    Returns:
        Index of the shot for each row, ascending.

    Example:
        >>> in_order(np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.7]], np.float32)).tolist()
        [0, 0]
    """
    totals = _totals_in_order(similar)
    chosen = [int(totals[-1].argmax())]
    for total in totals[-2::-1]:
        chosen.append(int(total[: chosen[-1] + 1].argmax()))
    return np.array(chosen[::-1])


def mean_in_order(similar: Float32[np.ndarray, "*more rows shots"]) -> Float32[np.ndarray, "*more"]:
    """Mean similarity of rows with the shots that `in_order` aligns them with."""
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
