"""Bring TransNetV2's trained weights to the form that `shots/transnetv2.py` reads."""

from collections.abc import Mapping

import numpy as np

from mediafm_store.shots.transnetv2 import DILATIONS, STAGE_FILTERS
from mediafm_store.weight_building.graphs import round_rows

_BATCH_NORM_EPSILON = 1e-3
_SMALL = 100_000
"""Weights of a layer up to which it keeps float16: the first stage, that all others build on.

Scores then stay within 0.0093 of float32 on real films, with the limit of the other graphs 0.012.
"""
_HEAD = {
    "frame_sim_layer.projection": "project",
    "frame_sim_layer.fc": "similar",
    "color_hist_layer.fc": "colours",
    "fc1": "hidden",
    "cls_layer1": "answer",
}
"""Layers by their name in the package and here. `cls_layer2` is for training only."""


def transnetv2(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All tensors by name: large ones int8 with a scale for each output, the others float16."""
    arrays = {
        f"{ours}.{part}": state[f"{theirs}.{part}"]
        for theirs, ours in _HEAD.items()
        for part in ("weight", "bias")
    }
    for stage in range(len(STAGE_FILTERS)):
        for number, cell in enumerate(("first", "second")):
            folded = _fold_cell(state, f"SDDCNN.{stage}.DDCNN.{number}")
            arrays |= {f"stages.{stage}.{cell}.{name}": array for name, array in folded.items()}
    return {
        key: value for name, array in arrays.items() for key, value in _stored_array(name, array)
    }


def _fold_cell(state: Mapping[str, np.ndarray], cell: str) -> dict[str, np.ndarray]:
    """One cell: its convolutions in space as one, its batch norm in those in time."""
    gamma, beta, mean, variance = (
        state[f"{cell}.bn.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + np.float32(_BATCH_NORM_EPSILON))
    scales, biases = (np.split(x, len(DILATIONS)) for x in (scale, beta - mean * scale))
    layers = [f"{cell}.Conv3D_{dilation}.layers" for dilation in DILATIONS]
    space = np.concatenate([state[f"{layer}.0.weight"].squeeze(2) for layer in layers])
    folded = {"space.weight": space}
    for number, layer in enumerate(layers):
        time = state[f"{layer}.1.weight"].squeeze(4)
        folded[f"time.{number}.weight"] = time * scales[number][:, None, None, None]
        folded[f"time.{number}.bias"] = biases[number]
    return folded


def _stored_array(name: str, array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """An array as it is stored, by name."""
    if array.size <= _SMALL:
        return [(name, array.astype(np.float16))]
    small, scale = round_rows(array)
    return [(name, small), (f"{name}.scale", scale)]
