"""Picture encoder EfficientNet-Lite0, trained on ImageNet."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from mediafm_store import weights
from mediafm_store.arrays import Blocks, Modality
from mediafm_store.encoders.blocks import BlockMap, to_blocks
from mediafm_store.encoders.class_names import Classes
from mediafm_store.encoders.encoder import EncoderOutput, Runtime
from mediafm_store.encoders.minilm import MiniLM
from mediafm_store.encoders.onnx import Graph

GRAPH, NAMES = "efficientnet_lite0.onnx", "imagenet_names.txt"
_SIDE = 224
_CENTRE, _SCALE = np.float32(127), np.float32(128)
DESCRIBE_FROM, LABEL_FROM = 0.05, 0.2
Picture = UInt8[np.ndarray, "_ _ 3"]


class EfficientNetLite0:
    """Pictures of any size and shape, 1280 features each (Liu et al., 2020)."""

    name = "efficientnet-lite0"
    modality: Modality = "visual"
    runtime: Runtime = "onnx"

    def __init__(self, *, device: str = "cpu", threads: int | None = None) -> None:
        self._graph = Graph(weights.path(GRAPH), device=device, threads=threads)
        self._map = BlockMap.of("picture")
        self._classes = Classes.of(
            "picture",
            names=NAMES,
            describe_from=DESCRIBE_FROM,
            label_from=LABEL_FROM,
            text=MiniLM(device=device, threads=threads),
        )
        self.fingerprint = weights.fingerprint(
            files=(GRAPH, NAMES),
            prefix="picture",
            constants=("squash bicubic", _SIDE, 127, 128, DESCRIBE_FROM, LABEL_FROM),
        )

    @property
    def class_names(self) -> Float32[np.ndarray, "classes 384"]:
        """The names of things, as the text encoder has them."""
        return self._classes.vectors

    def encode(self, items: Sequence[Picture]) -> EncoderOutput:
        """Encode RGB pictures as unit blocks."""
        features = np.zeros((len(items), len(self._map.mean)), np.float32)
        logits = np.zeros((len(items), len(self._classes.names)), np.float32)
        for start in range(0, len(items), self._graph.batch):
            rows = slice(start, start + self._graph.batch)
            pixels = np.stack([_prepare(item) for item in items[rows]])
            features[rows], logits[rows] = self._graph.run(pixels=pixels)
        likely = softmax(logits)
        return EncoderOutput(
            blocks=to_blocks(features, *self._map),
            described=self._classes.described(likely),
            labels=self._classes.labels(likely),
            probabilities=self._classes.label_probabilities(likely),
        )

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode texts with the encoder of the class names."""
        return self._classes.text.encode_query(texts)


def _prepare(picture: Picture) -> Float32[np.ndarray, "3 224 224"]:
    """Resize the whole picture to a square, in the range that the network was trained on.

    Squashed, not cropped: what stands at the sides of a wide frame belongs to the shot.
    """
    square = Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    scaled = (np.asarray(square, np.float32) - _CENTRE) / _SCALE
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def softmax(logits: Float32[np.ndarray, "n classes"]) -> Float32[np.ndarray, "n classes"]:
    """Probabilities of classes that exclude each other."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return probabilities
