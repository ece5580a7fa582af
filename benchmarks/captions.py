"""What captions of one's own add to the map that ships, by how many there are.

    python -m benchmarks.captions [--captions FOLDER]

Flickr8k stands for one's own pictures: some of its training pictures, the first sentence of each,
are learnt on top of the map that ships, or alone. Texts then look for their picture among the test
pictures of Flickr8k, and among those of COCO, which stand for everything else. The folder is that
of `mediafm_store.weight_building.caption_map`. Takes some minutes, most of them to encode texts.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.common import print_table, write_results
from mediafm_store import weights
from mediafm_store.arrays import Blocks
from mediafm_store.encoders.blocks import BlockMap
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import load_encoders
from mediafm_store.picture_text.caption_map import CaptionMap, recall_at
from mediafm_store.picture_text.moments import Moments
from mediafm_store.text_search.captions import Pairs
from mediafm_store.text_search.captions import _learnt as learnt
from mediafm_store.weight_building.caption_map import _CAPTIONS as CAPTIONS
from mediafm_store.weight_building.caption_map import _PHRASES as PHRASES
from mediafm_store.weight_building.caption_map import _TEST as TEST
from mediafm_store.weight_building.caption_map import _TRAIN as TRAIN
from mediafm_store.weight_building.caption_map import CaptionedSet

COUNTS = (100, 200, 500, 1000, 2000, 6044)
DRAWS = 3


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captions", type=Path, default=CAPTIONS, help="folder of the sets")
    rows = Measured.of(parser.parse_args().captions).rows()
    print_table(rows)
    write_results("captions", {"recall@10": rows})


class Measured(NamedTuple):
    """All that is encoded once."""

    encoders: Encoders
    common: Blocks
    own: Pairs
    tests: dict[str, Pairs]

    @classmethod
    def of(cls, folder: Path) -> "Measured":
        """Encode the sets."""
        encoders = load_encoders(device="cpu")
        flickr = CaptionedSet.read(folder, "flickr8k")
        own = flickr.part(TRAIN)
        _, first = np.unique(own.of, return_index=True)
        own = own._replace(texts=[own.texts[i] for i in first], of=own.of[first])
        tests = {
            "like them": flickr.part(TEST),
            "others": CaptionedSet.read(folder, "coco_val2017_part").part(TEST),
        }
        return cls(
            encoders,
            encoders["text"].encode_query(weights.lines(PHRASES)),
            pairs(own, encoders),
            {name: pairs(test, encoders) for name, test in tests.items()},
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row a number of pictures, the mean over draws; the first is the map that ships."""
        rows = [{"pictures": 0, **self.found("on top", [CaptionMap.shipped()])}]
        for count in COUNTS:
            draws = 1 if count >= len(self.own.pictures) else DRAWS
            some = [self.drawn(count, seed) for seed in range(draws)]
            row: dict[str, Any] = {"pictures": count}
            for name, base in (("on top", Moments.shipped()), ("alone", None)):
                maps = [learnt(one, self.encoders, base, self.common) for one in some]
                row |= self.found(name, maps)
            rows.append(row)
        return [{name: row.get(name, "") for name in rows[-1]} for row in rows]

    def drawn(self, count: int, seed: int) -> Pairs:
        """So many of the pictures."""
        order = np.random.default_rng(seed).permutation(len(self.own.pictures))
        chosen: np.ndarray = order < count
        return self.own.among(chosen)

    def found(self, name: str, maps: list[CaptionMap]) -> dict[str, float]:
        """Recall@10 on each of the tests."""
        return {
            f"{name}, {test}": float(
                np.mean(
                    [recall_at(m.texts(p.texts), m.pictures(p.pictures), p.of)[2] for m in maps]
                )
            )
            for test, p in self.tests.items()
        }


def pairs(captioned: CaptionedSet, encoders: Encoders) -> Pairs:
    """Encoded, the pictures from their features."""
    blocks = BlockMap.of("picture").blocks(captioned.features)
    return Pairs(blocks, encoders["text"].encode_query(captioned.texts), captioned.of)


if __name__ == "__main__":
    main()
