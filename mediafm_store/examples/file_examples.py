"""Files as examples to search by: videos, pictures, sounds."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from mediafm_store.arrays import MODALITIES, Fused, block, zeros
from mediafm_store.encoders.encoder import Encoders, encode
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.clip_locator import ClipMatch, origin_of
from mediafm_store.examples.example import Example, check_encoders
from mediafm_store.examples.file_kinds import FORMATS, Kind, kind_of, require
from mediafm_store.features.extract import Features, extract
from mediafm_store.features.fusion import fuse
from mediafm_store.media.sound import SAMPLE_RATE, sound
from mediafm_store.shots.detectors import adaptive
from mediafm_store.sources.videos import read_title
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, is_imported

_PIECE = 10 * SAMPLE_RATE
"""A sound is heard in pieces of ten seconds, as if each were a shot."""
_LONGEST_PIECES = 360


class ComparisonSpace(NamedTuple):
    """Space and encoders that a file is compared with."""

    store: Storage
    space: Space
    encoders: Callable[[], Encoders]
    device: DeviceChoice


def file_example(
    against: ComparisonSpace, path: Path, kind: Kind | None = None
) -> Example | ClipMatch:
    """A file as an example, of a kind or else of the one that it has.

    Of a clip that was cut from a title of the store, where it comes from: its shots are there.
    Raises InvalidInput for a file that is not of this kind, or cannot be compared with this store.
    """
    store, space = against.store, against.space
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file; give a video, a picture or a sound")
    if is_imported(store.live("fused")):
        raise InvalidInput(
            f"the vectors of {store.path} were imported, and no encoder makes such of a file;"
            " search by a shot or a text"
        )
    if kind is None:
        kind = kind_of(path)
    else:
        require(path, kind)
    if kind != "clip" and space.name == "context":
        raise InvalidInput(f"{path} has no context, being no video; search with --space fused")
    encoders = against.encoders()
    check_encoders(store, store.live("fused"), encoders)
    if kind == "clip":
        return _clip(against, path, encoders)
    items = [picture(path)] if kind == "visual" else _sounds(path)
    blocks = encode(encoders[kind], items).blocks
    rows = fuse({m: blocks if m == kind else zeros(len(blocks)) for m in MODALITIES})
    return Example(rows, rows, lacks=frozenset(MODALITIES) - {kind})


def _clip(against: ComparisonSpace, path: Path, encoders: Encoders) -> Example | ClipMatch:
    """A video, or where it was cut from."""
    features = extract(read_title(path), encoders=encoders, detector=adaptive)
    fused = features.fused
    origin = origin_of(against.store, fused, features.spans)
    if origin is not None:
        return origin
    rows = _in_context(against, features) if against.space.name == "context" else fused
    lacks = frozenset(m for m in MODALITIES if not fused[:, block(m)].any())
    return Example(rows, fused, lacks=lacks)


def _in_context(against: ComparisonSpace, features: Features) -> Fused:
    """The shots of a clip as the model sees them, as if the clip were a title."""
    # torch takes a second to import, which the other queries need not wait for.
    from mediafm_store.embedding.embed import open_model
    from mediafm_store.model.sequences import TitleSequence
    from mediafm_store.model.windows import embed_title
    from mediafm_store.training.checkpoints import checkpoint_of

    folder = checkpoint_of(against.store, against.space)
    model = open_model(against.store, folder, against.device)
    return embed_title(model, TitleSequence(features.fused, features.metadata[0])).shots


def picture(path: Path) -> np.ndarray:
    """Read an image as RGB, uint8, with its orientation applied."""
    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=[f for f in FORMATS if f in Image.OPEN]) as image:
                return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, ValueError, *bombs) as error:
        raise InvalidInput(f"{path} cannot be read as a picture: {error}") from error


def _sounds(path: Path) -> list[np.ndarray]:
    """Decode the sound of a file in pieces; raise InvalidInput if it has none."""
    pieces: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    for chunk in sound(path):
        kept.append(chunk)
        if sum(map(len, kept)) >= _PIECE:
            pieces.append(np.concatenate(kept))
            kept = []
        if len(pieces) == _LONGEST_PIECES:
            break
    if kept:
        pieces.append(np.concatenate(kept))
    if not pieces:
        raise InvalidInput(f"{path} has no sound that can be heard")
    return pieces
