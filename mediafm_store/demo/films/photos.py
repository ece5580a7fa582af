"""The photographs of the sample films: free ones that scikit-image and scikit-learn ship.

Left out, though they ship too: the moon, the motorcycle and the printed page (no licence is
stated for them), the horse (a drawing) and the clock (blurred beyond recognition on purpose).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mediafm_store.errors import NotFound

Point = tuple[float, float]
_LONGEST_SIDE = 640  # larger photographs are shrunk: the films are 320 pixels wide


class Photo(NamedTuple):
    """A photograph: what it shows, who may use it, and the points a camera would go close to."""

    subject: str
    function: str  # of skimage.data, or the file name in sklearn.datasets
    licence: str
    credit: str
    focus: tuple[Point, Point]  # (x, y) as parts of width and height


class PhotoQuery(NamedTuple):
    """A text query, and the photograph (key of PHOTOS) that answers it."""

    text: str
    photo: str


_PD, _CC0, _BY = "public domain", "CC0 1.0", "CC BY 2.0"
PHOTOS: dict[str, Photo] = {
    "astronaut": Photo(
        "the astronaut Eileen Collins in her space suit, a model of the space shuttle behind her",
        "astronaut", _PD, "NASA, https://flic.kr/p/r9qvLn", ((0.44, 0.25), (0.70, 0.75)),
    ),
    "brick": Photo(
        "a brick wall", "brick", _CC0, "CC0Textures, Bricks25", ((0.3, 0.3), (0.7, 0.75)),
    ),
    "camera": Photo(
        "a man with a film camera on a tripod", "camera", _CC0, "Lav Varshney",
        ((0.45, 0.25), (0.62, 0.38)),
    ),
    "cat": Photo(
        "Chelsea, a tabby cat", "chelsea", _CC0, "Stefan van der Walt", ((0.5, 0.4), (0.75, 0.6)),
    ),
    "cell": Photo(
        "a cell floating in saline under a microscope", "cell", _CC0, "Paul Müller and others",
        ((0.78, 0.57), (0.68, 0.62)),
    ),
    "coffee": Photo(
        "a cup of coffee with saucer and spoon on a wooden table", "coffee", _CC0,
        "Rachel Michetti, Pikolo Espresso Bar", ((0.45, 0.35), (0.65, 0.65)),
    ),
    "coins": Photo(
        "old Greek coins", "coins", "no known copyright restrictions",
        "Brooklyn Museum, https://www.brooklynmuseum.org/opencollection/archives/image/51611",
        ((0.35, 0.3), (0.7, 0.7)),
    ),
    "flower": Photo(
        "an orange dahlia in bloom", "flower.jpg", _BY,
        "vultilion, https://www.flickr.com/photos/vultilion/6056698931/",
        ((0.5, 0.45), (0.35, 0.75)),
    ),
    "galaxies": Photo(
        "galaxies, the Hubble eXtreme Deep Field", "hubble_deep_field", _PD,
        "NASA and ESA, https://hubblesite.org", ((0.35, 0.55), (0.75, 0.65)),
    ),
    "grass": Photo("grass", "grass", _CC0, "linolafett", ((0.3, 0.3), (0.7, 0.7))),
    "gravel": Photo("gravel", "gravel", _CC0, "CC0Textures, Gravel04", ((0.3, 0.7), (0.7, 0.3))),
    "palace": Photo(
        "a Chinese tower with tiled roofs above a lake, the Summer Palace in Beijing",
        "china.jpg", _BY, "danielbuechele, https://www.flickr.com/photos/danielbuechele/6061409035/",
        ((0.42, 0.35), (0.6, 0.7)),
    ),
    "retina": Photo(
        "the retina of a human eye", "retina", _CC0, "Mikael Häggström",
        ((0.3, 0.5), (0.6, 0.45)),
    ),
    "rocket": Photo(
        "a Falcon 9 rocket on its launch pad at dusk", "rocket", _PD,
        "SpaceX, https://www.flickr.com/photos/spacexphotos/16511594820/",
        ((0.5, 0.6), (0.42, 0.7)),
    ),
    "tissue": Photo(
        "stained tissue, glands of the colon under a microscope", "immunohistochemistry",
        "no known copyright restrictions", "Center for Microscopy and Molecular Imaging",
        ((0.3, 0.25), (0.65, 0.7)),
    ),
    "writing": Photo(
        "handwritten formulas on paper", "text", _PD,
        "https://en.wikipedia.org/wiki/File:Corner.png", ((0.3, 0.45), (0.7, 0.55)),
    ),
}  # fmt: skip

# Written before any of them was tried.
QUERIES: tuple[PhotoQuery, ...] = (
    PhotoQuery("an astronaut in a space suit", "astronaut"),
    PhotoQuery("a brick wall", "brick"),
    PhotoQuery("a man with a camera", "camera"),
    PhotoQuery("a cat", "cat"),
    PhotoQuery("a single cell under a microscope", "cell"),
    PhotoQuery("a cup of coffee", "coffee"),
    PhotoQuery("old coins", "coins"),
    PhotoQuery("a flower", "flower"),
    PhotoQuery("galaxies in deep space", "galaxies"),
    PhotoQuery("grass", "grass"),
    PhotoQuery("small stones", "gravel"),
    PhotoQuery("a palace", "palace"),
    PhotoQuery("the inside of a human eye", "retina"),
    PhotoQuery("a rocket launch", "rocket"),
    PhotoQuery("stained tissue in a laboratory", "tissue"),
    PhotoQuery("handwritten mathematics", "writing"),
)


def load_photo(name: str) -> Image.Image:
    """The photograph PHOTOS[name] in RGB; raises NotFound where the packages are missing."""
    try:
        pixels = _read(PHOTOS[name].function)
    except ModuleNotFoundError as error:
        raise NotFound(
            f"the sample photographs need {error.name}: pip install 'mediafm-store[demo]'"
        ) from error
    photo = Image.fromarray(pixels).convert("RGB")
    photo.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
    return photo


def _read(function: str) -> UInt8[np.ndarray, "h w *rgb"]:
    if function.endswith(".jpg"):
        from sklearn.datasets import load_sample_image

        return np.asarray(load_sample_image(function))
    import skimage.data

    load: Callable[[], np.ndarray] = getattr(skimage.data, function)
    pixels = load()
    # `grass`, `brick` and `gravel` are read as_gray, which may scale to [0, 1].
    return pixels if pixels.dtype == np.uint8 else np.round(pixels * 255).astype(np.uint8)


def licences() -> str:
    """The text of LICENCES.txt: where each photograph comes from and how it may be used."""
    lines = [f"{p.subject}\n    {p.licence}; {p.credit}" for p in PHOTOS.values()]
    head = (
        "These films were made by mediafm-store from still photographs that scikit-image and\n"
        "scikit-learn ship: cropped, moved over, mirrored and graded. Titles, stories, dialogue\n"
        "and sounds were made for mediafm-store and are CC0 1.0.\n\n"
        f"{_CC0}: https://creativecommons.org/publicdomain/zero/1.0/\n"
        f"{_BY}: https://creativecommons.org/licenses/by/2.0/\n"
    )
    return head + "\n" + "\n".join(lines) + "\n"
