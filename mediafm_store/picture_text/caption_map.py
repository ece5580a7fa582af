"""A map that brings pictures and sentences together: what a picture shows, in free text.

Two linear maps, one from the blocks of a picture encoder and one from those of a text encoder, into
a space where a picture lies near to what people say of it. They are learned from pairs by canonical
correlation analysis (Hotelling, "Relations between two sets of variates", 1936), with both sides
scaled by the canonical correlations (Gong, Ke, Isard and Lazebnik, "A multi-view embedding space
for modeling internet images, tags, and their semantics", 2014): closed form, seconds on a CPU.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mediafm_store import weights as shipped_files
from mediafm_store.arrays import BLOCK, Blocks, Vectors, unit_rows
from mediafm_store.errors import InvalidInput, first_line
from mediafm_store.files import whole_file
from mediafm_store.picture_text.moments import Moments, used

FILE = "caption_map.safetensors"
_DIMS = 256
_PICTURE_RIDGE, _TEXT_RIDGE = 3.0, 1.0
"""Added to the diagonal of a covariance, times the mean of that diagonal."""
_MOST_BYTES, _MOST_COMMON = 32 * 2**20, 10_000
"""A file of more was not written by `save`."""


@dataclass(frozen=True, eq=False)
class CaptionMap:
    """Maps blocks of pictures and texts into one space, where the cosine says how well they fit."""

    picture_mean: Float32[np.ndarray, " picture"]
    picture_matrix: Float32[np.ndarray, "picture dims"]
    text_mean: Float32[np.ndarray, " text"]
    text_matrix: Float32[np.ndarray, "text dims"]
    common: Float32[np.ndarray, "phrases dims"]
    """Everyday search phrases as `texts` maps them: what a picture answers to anyway."""
    picture_encoder: str
    """Fingerprint of the encoder whose blocks of pictures it was fitted for."""
    text_encoder: str
    """Fingerprint of the encoder whose blocks of texts it was fitted for."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Training data and quality of the map, as JSON values."""

    @classmethod
    def fit(
        cls,
        pictures: Float32[np.ndarray, "pairs 768"],
        texts: Float32[np.ndarray, "pairs 768"],
        weights: Float32[np.ndarray, " pairs"],
        *,
        picture_encoder: str,
        text_encoder: str,
        common: Blocks,
        dims: int = _DIMS,
    ) -> "CaptionMap":
        """Learn the map from pairs of blocks, a row a pair; `common` are the phrases' blocks.

        Raises InvalidInput if the pairs have nothing to teach: fewer than two, or all alike.
        """
        return cls.of(
            Moments.of(pictures, texts, weights),
            picture_encoder=picture_encoder,
            text_encoder=text_encoder,
            common=common,
            dims=dims,
        )

    @classmethod
    def of(
        cls,
        learnt: Moments,
        *,
        picture_encoder: str,
        text_encoder: str,
        common: Blocks,
        dims: int = _DIMS,
        facts: Mapping[str, Any] | None = None,
    ) -> "CaptionMap":
        """Learn the map from means and covariances of pairs; otherwise as `fit`."""
        seen, said = used(learnt.pictures), used(learnt.texts)
        if not (learnt.pictures.any() and learnt.texts.any()):
            raise InvalidInput(
                f"{learnt.weight:g} pairs, all alike, teach nothing; give different ones"
            )
        whiten_seen = _whitening(learnt.pictures[:seen, :seen], _PICTURE_RIDGE)
        whiten_said = _whitening(learnt.texts[:said, :said], _TEXT_RIDGE)
        left, correlations, right = np.linalg.svd(
            whiten_seen @ learnt.both[:seen, :said] @ whiten_said, full_matrices=False
        )
        scale = np.sqrt(correlations[:dims])
        kept = len(scale)
        fitted = cls(
            picture_mean=learnt.picture_mean[:seen].astype(np.float32),
            picture_matrix=(whiten_seen @ left[:, :kept] * scale).astype(np.float32),
            text_mean=learnt.text_mean[:said].astype(np.float32),
            text_matrix=(whiten_said @ right[:kept].T * scale).astype(np.float32),
            common=np.zeros((0, kept), np.float32),
            picture_encoder=picture_encoder,
            text_encoder=text_encoder,
            facts=facts or {},
        )
        return replace(fitted, common=fitted.texts(common))

    def texts(self, blocks: Blocks) -> Vectors:
        """Texts in the map's space: unit rows; zero blocks stay zero."""
        return _mapped(blocks, self.text_mean, self.text_matrix)

    def pictures(self, blocks: Blocks) -> Vectors:
        """Pictures in the map's space: unit rows; zero blocks stay zero."""
        return _mapped(blocks, self.picture_mean, self.picture_matrix)

    def picture_query(self, blocks: Blocks) -> Blocks:
        """Texts as unit directions among pictures' blocks, for an index to propose candidates.

        With t a text in the map's space and A the pictures' matrix, the inner product of A t with a
        picture's block x is the cosine times the picture's length in the map, |A'(x - mean)|, plus
        what is the same for every picture. Rank the candidates by `pictures` afterwards.
        """
        return self.directions(self.texts(blocks))

    def directions(self, texts: Vectors) -> Blocks:
        """Directions of texts that are already in the map's space."""
        directions = unit_rows(texts @ self.picture_matrix.T)
        return np.pad(directions, ((0, 0), (0, BLOCK - directions.shape[1])))

    def save(self, path: str | Path) -> None:
        """Write the map in half precision; an existing file is replaced as a whole."""
        arrays = {name: getattr(self, name).astype(np.float16) for name in _ARRAYS}
        told = {
            "picture_encoder": self.picture_encoder,
            "text_encoder": self.text_encoder,
            "facts": json.dumps(dict(self.facts)),
        }
        with whole_file(path) as part:
            part.write_bytes(save(arrays, metadata=told))

    @classmethod
    def load(cls, path: str | Path) -> "CaptionMap":
        """Read a map.

        Raises:
            InvalidInput: If the file is not one that `save` wrote.
        """
        path = Path(path)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES >> 20} MiB")
            with safe_open(path, framework="numpy") as file:
                told = file.metadata() or {}
                names = file.keys()
                _check_shapes({name: file.get_slice(name).get_shape() for name in names})
                arrays = {name: file.get_tensor(name).astype(np.float32) for name in _ARRAYS}
            if not told.keys() >= {"picture_encoder", "text_encoder", "facts"}:
                raise ValueError("it does not say what it was fitted for")
            facts = dict(json.loads(told["facts"]))
            if not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("it holds numbers that are not finite")
            encoders = {name: told[name] for name in ("picture_encoder", "text_encoder")}
        except (ValueError, TypeError, SafetensorError, OSError) as error:
            raise InvalidInput(
                f"{path} is no caption map ({first_line(error)}); make it anew with"
                " `mediafm captions fit`"
            ) from error
        arrays["common"] = unit_rows(arrays["common"])
        return cls(**arrays, **encoders, facts=facts)

    @classmethod
    def shipped(cls) -> "CaptionMap":
        """The map of this package, for its default encoders."""
        return _shipped()


_ARRAYS = ("picture_mean", "picture_matrix", "text_mean", "text_matrix", "common")


@cache
def _shipped() -> CaptionMap:
    return CaptionMap.load(shipped_files.path(FILE))


def _mapped(
    blocks: Blocks, mean: Float32[np.ndarray, " width"], matrix: Float32[np.ndarray, "width dims"]
) -> Vectors:
    """Centre and map to unit rows; rows of zeros, which are nothing, stay zero."""
    rows = (blocks[:, : len(mean)] - mean) @ matrix
    rows[~blocks.any(axis=1)] = 0
    return unit_rows(rows)


def _whitening(
    covariance: Float64[np.ndarray, "width width"], ridge: float
) -> Float64[np.ndarray, "width width"]:
    """The inverse square root of a covariance, its diagonal raised by `ridge` times its mean."""
    raised = covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(raised)
    return (vectors / np.sqrt(values)) @ vectors.T


def _check_shapes(shapes: Mapping[str, list[int]]) -> None:
    """Raise ValueError unless arrays of these shapes make a map."""
    if sorted(shapes) != sorted(_ARRAYS):
        raise ValueError(f"it holds {', '.join(sorted(shapes)) or 'nothing'}")
    phrases, dims = [*shapes["common"], 0, 0][:2]
    picture, text = ([*shapes[f"{side}_mean"], 0][0] for side in ("picture", "text"))
    wanted = {
        "picture_mean": [picture],
        "picture_matrix": [picture, dims],
        "text_mean": [text],
        "text_matrix": [text, dims],
        "common": [phrases, dims],
    }
    bounded = all(1 <= size <= BLOCK for size in (picture, text, dims)) and phrases <= _MOST_COMMON
    if not bounded or wanted != dict(shapes):
        raise ValueError(f"its shapes are {dict(shapes)}")


def recall_at(
    texts: Float32[np.ndarray, "texts dims"],
    pictures: Float32[np.ndarray, "pictures dims"],
    of: Int[np.ndarray, " texts"],
    ranks: Sequence[int] = (1, 5, 10),
) -> tuple[float, ...]:
    """Recall of text-to-picture retrieval, for each of `ranks`.

    Args:
        texts: Vectors of the texts.
        pictures: Vectors of the pictures.
        of: Row of the right picture of each text.
        ranks: Numbers of first places that count.
    """
    cosines = texts @ pictures.T
    own = np.take_along_axis(cosines, of[:, None], axis=1)
    before = (cosines > own).sum(axis=1)
    return tuple(float(np.mean(before < rank)) for rank in ranks)
