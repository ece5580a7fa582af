"""The network for cuts: its weights, its windows, what it finds, and what it leaves alone."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

from mediafm_store import weights
from mediafm_store.shots import transnetv2
from mediafm_store.shots.detectors import DetectorFrame
from mediafm_store.shots.transnetv2 import _MARGIN as MARGIN
from mediafm_store.shots.transnetv2 import TransNetV2
from tests.helpers.frames import FPS, faded, seen, small
from tests.unit.shots.test_detectors import film_frames


def cuts(frames: list[DetectorFrame]) -> list[int]:
    return list(transnetv2.transnetv2(frames, FPS))


def test_every_stored_tensor_is_used_once_and_none_is_missing():
    with safe_open(weights.path(transnetv2.WEIGHTS), "numpy") as file:
        stored = set(file.keys())
    scales = {name for name in stored if name.endswith(".scale")}
    with torch.device("meta"):
        wanted = {name: value.shape for name, value in TransNetV2().state_dict().items()}
    assert stored - scales == set(wanted)
    assert {name.removesuffix(".scale") for name in scales} < set(wanted)
    trained = transnetv2._trained()
    assert {name: value.shape for name, value in trained.items()} == wanted
    assert all(value.dtype == torch.float32 and value.any() for value in trained.values())


def test_a_cell_is_the_papers_convolutions_in_3d():
    """Channels-last 2D views against 3D convolutions, one dilation at a time."""
    cell = transnetv2._network("cpu").get_submodule("stages.1.first")
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(30, 64, 13, 24)).astype(np.float32))
    film = x.permute(1, 0, 2, 3)[None]
    slow = []
    for number, dilation in enumerate(transnetv2.DILATIONS):
        space = cell.space.weight[number * 64 : (number + 1) * 64, :, None]
        inner = torch.conv3d(film, space, padding=(0, 1, 1))
        layer = cell.time[number]
        slow.append(
            torch.conv3d(
                inner,
                layer.weight[..., None],
                layer.bias,
                padding=(dilation, 0, 0),
                dilation=(dilation, 1, 1),
            )
        )
    expected = torch.cat(slow, 1)[0].permute(1, 0, 2, 3)
    torch.testing.assert_close(cell(x), expected, atol=1e-4, rtol=1e-4)


def test_likeness_is_the_cosine_with_each_neighbour():
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32))
    unit = rows / rows.norm(dim=1, keepdim=True)
    found = transnetv2._neighbour_cosines(rows)
    for here in range(7):
        for offset in range(-transnetv2._NEIGHBOURS, transnetv2._NEIGHBOURS + 1):
            there = here + offset
            expected = float(unit[here] @ unit[there]) if 0 <= there < 7 else 0.0
            column = offset + transnetv2._NEIGHBOURS
            assert float(found[here, column]) == pytest.approx(expected, abs=1e-5)


def test_histograms_count_every_pixel():
    rng = np.random.default_rng(0)
    frames = torch.from_numpy(rng.integers(0, 256, (3, 27, 48, 3), np.uint8))
    counts = transnetv2._histograms(frames)
    assert counts.shape == (3, 512)
    assert counts.sum(1).tolist() == [27 * 48] * 3
    red, green, blue = (frames[1, 5, 7] // 32).tolist()
    assert counts[1, 64 * red + 8 * green + blue] >= 1


@pytest.mark.parametrize("length", [1, 25, 149, 150, 151, 400])
def test_every_frame_gets_one_score(length, monkeypatch):
    """With a network that answers how bright the first pixel is."""
    monkeypatch.setattr(
        transnetv2, "_network", lambda device: lambda frames: frames[:, 0, 0, 0].float()
    )
    images = [torch.full((27, 48, 3), n % 256, dtype=torch.uint8) for n in range(length)]
    assert list(transnetv2._scores(images)) == [n % 256 for n in range(length)]


@pytest.mark.slow
def test_windows_agree_with_one_run_over_everything(films):
    path = films / "tears_of_steel_battle_clip" / "tears_of_steel_battle_clip.webm"
    images = list(transnetv2._small(film_frames(path)[:420]))
    windowed = np.array(list(transnetv2._scores(images)))
    whole = np.array(transnetv2._middle_scores(images))
    np.testing.assert_allclose(windowed[MARGIN:-MARGIN], whole, atol=0.05)
    assert ((windowed[MARGIN:-MARGIN] > 0.5) == (whole > 0.5)).all()
    assert (whole > 0.5).sum() >= 5


@pytest.mark.slow
def test_real_cuts_are_found(films):
    from benchmarks.shots import labelled_cuts, score

    folder = films / "tears_of_steel_battle_clip"
    truth = json.loads((folder / "ground_truth.json").read_text("utf-8"))
    found = cuts(film_frames(folder / truth["file"]))
    assert score(found, labelled_cuts(truth, fades=False)).f1 > 0.85  # 0.889 measured


def test_a_fade_is_one_cut_inside_it():
    (cut,) = cuts(seen(faded()))
    assert 76 <= cut <= 124


def test_nothing_global_is_changed():
    """Python's own random numbers cannot be looked at here: beartype draws them to check types."""

    def state():
        return (
            str(np.random.get_state()),
            torch.get_rng_state().tolist(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
        )

    transnetv2._network.cache_clear()
    before = state()
    cuts(seen(small(60)))
    assert state() == before
