"""Sentence encoder all-MiniLM-L6-v2, for spoken words and metadata."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from tokenizers import BertWordPieceTokenizer

from mediafm_store import weights
from mediafm_store.arrays import Blocks, Modality
from mediafm_store.encoders.blocks import BlockMap, to_blocks
from mediafm_store.encoders.encoder import EncoderOutput, Runtime
from mediafm_store.encoders.onnx import Graph

GRAPH, VOCABULARY = "minilm_l6_v2.onnx", "minilm_vocab.txt"
WIDTH = 384
_MOST_TOKENS = 256
"""Longer texts are cut: the model was trained on no longer ones."""


class MiniLM:
    """Encoder of sentences and short passages, 384 features each (Wang et al., 2020)."""

    name = "minilm-l6"
    modality: Modality = "text"
    runtime: Runtime = "onnx"

    def __init__(self, *, device: str = "cpu", threads: int | None = None) -> None:
        graph = Graph(weights.path(GRAPH), device=device, threads=threads)
        self._reader = Reader(graph, weights.path(VOCABULARY))
        self._map = BlockMap.of("words")
        self.fingerprint = weights.fingerprint(
            files=(GRAPH, VOCABULARY),
            prefix="words",
            constants=("lower case, mean of tokens", _MOST_TOKENS),
        )

    def encode(self, items: Sequence[str]) -> EncoderOutput:
        """Encode texts as unit blocks, which are their own descriptions."""
        blocks = to_blocks(self._reader.read(items), *self._map)
        return EncoderOutput(blocks=blocks, described=blocks.copy(), labels=[()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode queries as texts: spoken words need no prompt."""
        return self.encode(texts).blocks


class Reader:
    """Tokenizer and network: texts to features that are neither centred nor of unit length."""

    def __init__(self, graph: Graph, vocabulary: Path) -> None:
        self._graph, self._vocabulary = graph, vocabulary

    @cached_property
    def _tokenizer(self) -> BertWordPieceTokenizer:
        tokenizer = BertWordPieceTokenizer(str(self._vocabulary), lowercase=True)
        tokenizer.enable_truncation(_MOST_TOKENS)
        return tokenizer

    def read(self, texts: Sequence[str]) -> Float32[np.ndarray, "n 384"]:
        """The mean over each text's tokens."""
        features = np.zeros((len(texts), WIDTH), np.float32)
        for start in range(0, len(texts), self._graph.batch):
            rows = slice(start, start + self._graph.batch)
            features[rows] = self._read_batch([self._tokenizer.encode(t).ids for t in texts[rows]])
        return features

    def _read_batch(self, tokens: Sequence[Sequence[int]]) -> Float32[np.ndarray, "n 384"]:
        longest = max(map(len, tokens))
        ids = np.array([[*row, *[0] * (longest - len(row))] for row in tokens], np.int64)
        there = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], np.int64)
        (hidden,) = self._graph.run(
            input_ids=ids, attention_mask=there, token_type_ids=np.zeros_like(ids)
        )
        kept: np.ndarray = there[..., None].astype(np.float32)
        return np.asarray((hidden * kept).sum(axis=1) / kept.sum(axis=1), np.float32)
