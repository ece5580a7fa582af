"""Find cuts and gradual transitions with TransNetV2 (Souček and Lokoč, 2020, arXiv:2008.04838).

The network sees 48x27 pixels of each frame and some seconds around it, and says of each frame
whether a transition happens there. Trained weights: see `weights/README.md`.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import torch
from jaxtyping import Float, UInt8
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from mediafm_store import weights
from mediafm_store.encoders.torch_eval import ready
from mediafm_store.shots.detectors import DetectorFrame

WEIGHTS = "transnetv2.safetensors"
_HEIGHT, _WIDTH = 27, 48
STAGE_FILTERS = (16, 32, 64)
DILATIONS = (1, 2, 4, 8)
_NEIGHBOURS = 50
"""Frames on either side that a frame is compared with."""
_COMPARED, _HIDDEN = 128, 1024
"""Width of what comparing gives, and of the layer before the answer."""

_WINDOW, _MARGIN = 200, 25
"""Frames that are scored together, and how many of them at either end only serve the others.

The authors score 100 together, so each frame twice; a longer window computes less twice. See
docs/decisions/0006-detectors.md for what that gains and changes.
"""
_LIKELY = 0.5

Frames = UInt8[Tensor, "t 27 48 3"]


def transnetv2(frames: Iterable[DetectorFrame], _fps: float) -> Iterator[int]:
    """Cut at the end of each transition that the network sees.

    On a GPU if there is one. A cut becomes known up to `_WINDOW` - `_MARGIN` frames late.
    """
    inside = False
    for number, score in enumerate(_scores(_small(frames))):
        if inside and score <= _LIKELY:
            yield number
        inside = score > _LIKELY


def _small(frames: Iterable[DetectorFrame]) -> Iterator[UInt8[Tensor, "27 48 3"]]:
    """Frames as the network takes them: RGB, 48x27 pixels whatever their aspect ratio."""
    import cv2

    for frame in frames:
        image = cv2.resize(frame.image, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
        yield torch.from_numpy(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _scores(
    images: Iterable[UInt8[Tensor, "27 48 3"]], *, window: int = _WINDOW
) -> Iterator[float]:
    """Probabilities, 0 to 1, of a transition at each image, as soon as its window is full.

    The first and the last image are repeated, so that all have neighbours.
    """
    waiting: list[Tensor] = []
    for image in images:
        waiting = waiting or [image] * _MARGIN
        waiting.append(image)
        if len(waiting) == window:
            yield from _middle_scores(waiting)
            waiting = waiting[-2 * _MARGIN :]
    if waiting:
        yield from _middle_scores(waiting + waiting[-1:] * _MARGIN)


@torch.inference_mode()
def _middle_scores(images: list[Tensor]) -> list[float]:
    """The scores of all but the margins."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    answers = _network(device)(torch.stack(images).to(device))
    return answers[_MARGIN:-_MARGIN].tolist()


@cache
def _network(device: str) -> "TransNetV2":
    """The trained network, ready to use."""
    with torch.device("meta"):  # so that no random start is drawn for weights that are replaced
        net = TransNetV2()
    net.load_state_dict(_trained(), assign=True)
    return ready(net, device)


def _trained() -> dict[str, Tensor]:
    """The weights by name; large ones are stored as int8 with a scale for each output."""
    stored = load_file(weights.path(WEIGHTS))
    scales = {
        name: stored.pop(f"{name}.scale") for name in list(stored) if f"{name}.scale" in stored
    }
    return {
        name: value.float() * scales[name].view(-1, *[1] * (value.ndim - 1))
        if name in scales
        else value.float()
        for name, value in stored.items()
    }


class TransNetV2(nn.Module):
    """Frames of one film in play order to the likelihood of a transition at each (figure 1).

    Batch norms are folded into the convolutions, and the second answer ("many hot"), which only
    training uses, is left out. Tensors are channels-last in memory, so that the views that swap
    time and space are free: faster than 3D convolutions on a CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = [3, *(len(DILATIONS) * filters for filters in STAGE_FILTERS)]
        self.stages = nn.ModuleList(map(_DilatedStage, inputs, STAGE_FILTERS))
        self.project = nn.Linear(sum(inputs[1:]), _COMPARED)
        self.similar = nn.Linear(2 * _NEIGHBOURS + 1, _COMPARED)
        self.colours = nn.Linear(2 * _NEIGHBOURS + 1, _COMPARED)
        pixels = (_HEIGHT >> len(STAGE_FILTERS)) * (_WIDTH >> len(STAGE_FILTERS))
        self.hidden = nn.Linear(2 * _COMPARED + pixels * inputs[-1], _HIDDEN)
        self.answer = nn.Linear(_HIDDEN, 1)

    def forward(self, frames: Frames) -> Float[Tensor, " t"]:
        """Probabilities of a transition, 0 to 1, by frame."""
        x = (frames.float() / 255).permute(0, 3, 1, 2)  # t c h w
        means = []
        for stage in self.stages:
            x = stage(x)
            means.append(x.mean((2, 3)))
        compared = [
            functional.relu(self.colours(_neighbour_cosines(_histograms(frames)))),
            functional.relu(self.similar(_neighbour_cosines(self.project(torch.cat(means, 1))))),
        ]
        x = torch.cat([*compared, x.permute(0, 2, 3, 1).flatten(1)], 1)
        return torch.sigmoid(self.answer(functional.relu(self.hidden(x)))).squeeze(1)


class _DilatedStage(nn.Module):
    """Two cells with a shortcut around the second, then half the height and width."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.first = _DilatedConvolutions(inputs, filters)
        self.second = _DilatedConvolutions(len(DILATIONS) * filters, filters)

    def forward(self, x: Float[Tensor, "t inputs h w"]) -> Float[Tensor, "t outputs half_h half_w"]:
        """Frames as images in, frames as images out."""
        first = functional.relu(self.first(x))
        return functional.avg_pool2d(functional.relu(self.second(first)) + first, 2)


class _DilatedConvolutions(nn.Module):
    """DDCNN V2: 3x3 convolutions in space, then one in time for each dilation (section 3.1).

    The four convolutions in space have the same input and are computed as one.
    """

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(inputs, 2 * filters * len(DILATIONS), 3, padding=1, bias=False)
        self.time = nn.ModuleList(
            nn.Conv2d(2 * filters, filters, (3, 1), padding=(d, 0), dilation=(d, 1))
            for d in DILATIONS
        )

    def forward(self, x: Float[Tensor, "t inputs h w"]) -> Float[Tensor, "t outputs h w"]:
        """Frames as images in, frames as images out."""
        t, _, h, w = x.shape
        x = self.space(x).permute(0, 2, 3, 1).reshape(1, t, h * w, -1).permute(0, 3, 1, 2)
        parts = x.chunk(len(DILATIONS), 1)  # each 1 c t hw
        x = torch.cat([conv(part) for conv, part in zip(self.time, parts, strict=True)], 1)
        return x.permute(0, 2, 3, 1).reshape(t, h, w, -1).permute(0, 3, 1, 2)


def _neighbour_cosines(rows: Float[Tensor, "t width"]) -> Float[Tensor, "t neighbours"]:
    """Cosine of each row with those up to `_NEIGHBOURS` before and after it, 0 beyond the ends."""
    rows = functional.normalize(rows)
    every = functional.pad(rows @ rows.T, (_NEIGHBOURS, _NEIGHBOURS))
    return every.unfold(1, 2 * _NEIGHBOURS + 1, 1).diagonal().T


def _histograms(frames: Frames) -> Float[Tensor, "t 512"]:
    """Histograms of each frame over 8x8x8 colours, in pixels."""
    red, green, blue = (frames >> 5).long().flatten(1, 2).unbind(2)
    bins = (red << 6) + (green << 3) + blue
    empty = torch.zeros(len(frames), 512, device=frames.device)
    return empty.scatter_add_(1, bins, torch.ones_like(bins, dtype=empty.dtype))
