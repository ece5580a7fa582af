"""Caption maps, from pictures to sentences: the default, and those learned from captions."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from mediafm_store import weights
from mediafm_store.arrays import Blocks, zeros
from mediafm_store.encoders.encoder import Encoders, encode, encode_query
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.example import check_encoders
from mediafm_store.picture_text.caption_map import FILE, CaptionMap, recall_at
from mediafm_store.picture_text.moments import Moments
from mediafm_store.storage.storage import Storage
from mediafm_store.text_files.lists import read_list

_FEWEST = 500
"""Pictures. With a sentence each, 500 photographs raised recall@10 on similar ones from 0.336 to
0.383, 200 only to 0.351 (`python -m benchmarks.captions`)."""
_HELD_OUT = 0.1
"""Share of the pictures that figures are of."""
_CAPTION_WEIGHT = 2.0
"""Of a pair of one's own beside those of the map that ships; all own pairs together weigh at most
as much as those."""
_BATCH = 32
_PHRASES = "common_queries.txt"
_EXAMPLE = '{"picture": "a.jpg", "texts": ["A dog on a beach"]}'
_RANKS = (1, 5, 10)
_OnStep = Callable[[str, int, int], None]
"""Called with the step, the number done and the total."""
log = logging.getLogger("mediafm_store")


class CaptionedPictures(NamedTuple):
    """Pictures and their captions."""

    pictures: list[Path]
    texts: list[str]
    of: Int[np.ndarray, " texts"]
    """The picture of each text."""


class Pairs(NamedTuple):
    """Encoded pairs of pictures and captions."""

    pictures: Blocks
    texts: Blocks
    of: Int[np.ndarray, " texts"]

    def among(self, kept: Bool[np.ndarray, " pictures"]) -> "Pairs":
        """Some of the pictures, with their texts."""
        number = np.cumsum(kept) - 1
        texts = kept[self.of]
        return Pairs(self.pictures[kept], self.texts[texts], number[self.of[texts]])


def caption_map_of(store: Storage, encoders: Encoders) -> CaptionMap | None:
    """Caption map for text searches: the store's own, else the one that ships.

    Returns:
        The map; None if it was not fitted for these encoders, with a warning for the store's own.

    Raises:
        InvalidInput: The store's own map is damaged.
    """
    own = _own_map(store)
    if own is not None:
        if _fits(own, encoders):
            return own
        log.warning(
            "%s was fitted for other encoders and is not used; make it anew with `mediafm captions"
            " fit`, or delete it",
            store.local / FILE,
        )
    shipped = CaptionMap.shipped()
    return shipped if _fits(shipped, encoders) else None


def _own_map(store: Storage) -> CaptionMap | None:
    """The map in the store's folder, whatever it was fitted for."""
    file = store.local / FILE
    return CaptionMap.load(file) if file.exists() else None


def _fits(caption_map: CaptionMap, encoders: Encoders) -> bool:
    """True if a map was fitted for these encoders."""
    if "visual" not in encoders:  # of imported shots only the words are known
        return False
    made_for = caption_map.picture_encoder, caption_map.text_encoder
    return made_for == (encoders["visual"].fingerprint, encoders["text"].fingerprint)


def fit_caption_map(
    store: Storage,
    file: str | Path,
    *,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
    fewest: int = _FEWEST,
    seed: int = 0,
    on_step: _OnStep = lambda what, done, total: None,
) -> CaptionMap:
    """Learn a map from captioned pictures and keep it in the store's folder for searches by text.

    With the default encoders it is learned on top of the map that ships. Its `facts` hold the
    recall on a tenth of the pictures, held out by `seed`: the share of their texts that find their
    picture among the first 1, 5 and 10, by a map learned from the others, by the one that ships,
    and by chance. The stored map is learned from all pictures. Pictures that cannot be read are
    left out, with a warning.

    Args:
        store: The store that keeps the map.
        file: A .csv or .jsonl with `picture`, a path relative to the file, and `text` (or `texts`,
            several).
        encoders: Encoders of pictures and texts; None for those of the store.
        device: Device of the encoders.
        fewest: Smallest number of pictures.
        seed: Seed of the held-out pictures.
        on_step: Called with the step, the number done and the total.

    Raises:
        InvalidInput: The file is malformed or has fewer than `fewest` pictures.
        SpaceMismatch: Other encoders made the vectors of the store.
    """
    store.check_writable()
    file = Path(file)
    captioned = _read(file)
    _check_count(file, len(captioned.pictures), fewest)
    encoders = encoders or load_encoders(device=device, store=store)
    if store.registry.has("fused"):
        check_encoders(store, store.live("fused"), encoders)
    pairs = _encoded(captioned, encoders, on_step)
    _check_count(file, len(pairs.pictures), fewest)
    on_step("learning", 0, 1)
    fitted = _learnt_and_measured(pairs, encoders, seed)
    own: dict[str, Any] = {
        "file": file.name,
        "pictures": len(pairs.pictures),
        "texts": len(pairs.texts),
    }
    fitted = replace(fitted, facts={**own, **fitted.facts})
    fitted.save(store.local / FILE)
    on_step("learning", 1, 1)
    _warn_if_worse(fitted.facts["figures"], store.local / FILE)
    return fitted


def _learnt_and_measured(pairs: Pairs, encoders: Encoders, seed: int) -> CaptionMap:
    """Fit a map to all pairs; its facts have the figures of one without the held-out pictures."""
    base = Moments.shipped() if _fits(CaptionMap.shipped(), encoders) else None
    common = encode_query(encoders["text"], weights.lines(_PHRASES))
    held = _held_out(len(pairs.pictures), seed)
    without = _learnt(pairs.among(~held), encoders, base, common)
    return replace(
        _learnt(pairs, encoders, base, common),
        facts={
            "held_out": int(held.sum()),
            "on_shipped": base is not None,
            "figures": _compared_maps(without, pairs.among(held), base),
        },
    )


def _read(file: Path) -> CaptionedPictures:
    """Pictures with their texts, from one or several rows each; InvalidInput names a wrong line."""
    pictures: dict[Path, int] = {}
    texts, of = [], []
    for line, row in read_list(file, "captions", _EXAMPLE):
        name, said = row.get("picture"), _said_in(row)
        if not isinstance(name, str) or not said:
            raise InvalidInput(f"{file}, line {line}: a row has a picture, a path, and a text")
        picture = file.parent / name
        if picture not in pictures and not picture.is_file():
            raise InvalidInput(f"{file}, line {line}: no file {picture}")
        texts += said
        of += [pictures.setdefault(picture, len(pictures))] * len(said)
    return CaptionedPictures(list(pictures), texts, np.array(of, np.int64))


def _said_in(row: Mapping[str, Any]) -> list[str]:
    """The texts of a row, without empty ones; none if they are no texts."""
    given = row.get("texts", row.get("text", []))
    said = [given] if isinstance(given, str) else given
    if not isinstance(said, list) or not all(isinstance(text, str) for text in said):
        return []
    return [text.strip() for text in said if text.strip()]


def _check_count(file: Path, pictures: int, fewest: int) -> None:
    """Raise InvalidInput if there is too little to learn from."""
    if pictures < max(fewest, 2):
        raise InvalidInput(
            f"{file} has {pictures} pictures that can be read; give at least {max(fewest, 2)}:"
            " fewer teach nothing (200 were measured to raise recall@10 from .34 to .35)"
        )


def _encoded(captioned: CaptionedPictures, encoders: Encoders, on_step: _OnStep) -> Pairs:
    """The pictures that can be read, with their texts, as blocks."""
    blocks = zeros(len(captioned.pictures))
    for start in range(0, len(blocks), _BATCH):
        on_step("encoding pictures", start, len(blocks))
        there = dict(_readable(captioned.pictures, range(start, min(start + _BATCH, len(blocks)))))
        blocks[list(there)] = encode(encoders["visual"], list(there.values())).blocks
    texts = zeros(len(captioned.texts))
    for start in range(0, len(texts), _BATCH):
        on_step("encoding texts", start, len(texts))
        some = captioned.texts[start : start + _BATCH]
        texts[start : start + _BATCH] = encode_query(encoders["text"], some)
    seen = np.asarray(blocks.any(axis=1))
    return Pairs(blocks, texts, captioned.of).among(seen)


def _readable(pictures: Sequence[Path], numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Readable pictures with their numbers."""
    # It opens media too, and takes a while to import, which searches need not wait for.
    from mediafm_store.examples.file_examples import picture

    for number in numbers:
        try:
            yield number, picture(pictures[number])
        except InvalidInput as error:
            log.warning("%s; it is left out", error)


def _held_out(pictures: int, seed: int) -> Bool[np.ndarray, " pictures"]:
    """Mask of a random tenth of the pictures, at least one."""
    order = np.random.default_rng(seed).permutation(pictures)
    held: np.ndarray = order < max(1, round(pictures * _HELD_OUT))
    return held


def _learnt(pairs: Pairs, encoders: Encoders, base: Moments | None, common: Blocks) -> CaptionMap:
    """Fit a map to pairs, on top of the moments of others if there are any."""
    count = len(pairs.texts)
    weight = min(_CAPTION_WEIGHT, base.weight / count) if base else 1.0
    own = Moments.of(pairs.pictures[pairs.of], pairs.texts, np.full(count, weight, np.float32))
    return CaptionMap.of(
        base + own if base else own,
        picture_encoder=encoders["visual"].fingerprint,
        text_encoder=encoders["text"].fingerprint,
        common=common,
    )


def _compared_maps(own: CaptionMap, pairs: Pairs, base: Moments | None) -> list[dict[str, Any]]:
    """Recall on held-out pictures, a row a map, and of chance."""
    maps = {"own": own} | ({"shipped": CaptionMap.shipped()} if base else {})
    rows = {
        name: recall_at(m.texts(pairs.texts), m.pictures(pairs.pictures), pairs.of, _RANKS)
        for name, m in maps.items()
    }
    rows["chance"] = tuple(min(1.0, rank / len(pairs.pictures)) for rank in _RANKS)
    return [
        {"map": name} | {f"recall@{rank}": figure for rank, figure in zip(_RANKS, row, strict=True)}
        for name, row in rows.items()
    ]


def _warn_if_worse(figures: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Say so if the map that ships finds more."""
    best = f"recall@{_RANKS[-1]}"
    found = {row["map"]: row[best] for row in figures}
    if found["own"] < found.get("shipped", 0.0):
        log.warning(
            "the map that ships finds more of the held-out pictures (%s %.3f) than the new one"
            " (%.3f); delete %s to use that again",
            best,
            found["shipped"],
            found["own"],
            file,
        )
