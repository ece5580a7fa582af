"""Fixtures: real films, sample films, and a store made by hand."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, unit_rows
from mediafm_store.storage.rows import TitleRows
from mediafm_store.storage.storage import Storage
from tests.helpers.plain import PlainEncoder

ROOT = Path(__file__).parents[1]

WORKERS = 2
"""Processes of the Ray that tests start."""


@pytest.fixture(scope="session")
def films() -> Path:
    """Real films with ground truth; a run that must prove something may not go without."""
    folder = Path(os.environ.get("MEDIAFM_TEST_MEDIA", ROOT.parent / "shared" / "media"))
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no films in {folder}")
        pytest.skip(f"no films in {folder}; set MEDIAFM_TEST_MEDIA")
    return folder


@pytest.fixture(scope="session")
def sample_films(tmp_path_factory) -> Path:
    """Two of the films that the demo makes."""
    from mediafm_store.demo.films import make_sample_catalogue

    folder = tmp_path_factory.mktemp("films")
    make_sample_catalogue(folder, titles=2)
    return folder


@pytest.fixture(scope="session")
def encoders():
    """The default encoders."""
    from mediafm_store.encoding import load_encoders

    return load_encoders(device="cpu")


def title_rows(store: Storage, title: str, vectors: np.ndarray, **columns) -> TitleRows:
    """A title made up of its vectors, with plain values in all other columns."""
    told = {"made_by": "a test", "fused": "test"}
    version = store.registry.only_version
    spaces = {
        version("fused", "test", dim=FUSED, **told): vectors,
        version("described", "test", dim=FUSED, **told): vectors,
        version("metadata", "test", dim=BLOCK, **told): np.zeros((1, BLOCK), np.float32),
    }
    return rows_of(title, len(vectors), spaces, **columns)


def rows_of(title: str, count: int, vectors: dict, **columns) -> TitleRows:
    """So many shots of a title, with vectors by space."""
    shots = range(count)
    row = {
        "id": title,
        "name": title.title(),
        "synopsis": "",
        "series": "",
        "tags": [],
        "genres": [],
        "media": f"/films/{title}.mp4",
        "subtitles": None,
        "subtitle_track": None,
        "language": None,
        "sources": None,
        "duration_s": float(2 * count),
        "shots": count,
        "warnings": [],
        "subtitle_warnings": [],
        "ingested_at": datetime.now(UTC),
    }
    return TitleRows(
        title=row | columns,
        shots=[shot_row(f"{title}/{i:05d}", i) for i in shots],
        cues=[],
        thumbnails=[{"id": f"{title}/{i:05d}", "jpeg": b"jpeg"} for i in shots],
        vectors=vectors,
    )


def shot_row(shot_id: str, index: int, **columns) -> dict:
    """A shot of two seconds."""
    row = {
        "id": shot_id,
        "index": index,
        "start": 50 * index,
        "end": 50 * index + 50,
        "time_base_num": 1,
        "time_base_den": 25,
        "start_s": 2.0 * index,
        "end_s": 2.0 * index + 2,
        "duration_s": 2.0,
        "scene": None,
        "words": "",
        "seen": [],
        "heard": [],
        "seen_p": [],
        "heard_p": [],
        "brightness": 0.5,
        "loudness_db": -20.0,
        "cut_brightness": 0.5,
        "cut_loudness_db": -20.0,
        "black": False,
        "silent": False,
        "repeats": None,
        "bars": 0.0,
        "saturation": 0.1,
        "colours": ["blue"],
        "colour_shares": [0.5],
        "face": 0.0,
        "faces": 0,
        "motion": 0.02,
        "cuts_per_min": 10.0,
        "looks": ["blue"],
    }
    return row | columns


def random_vectors(n: int, seed: int = 0) -> np.ndarray:
    """Unit vectors as fused ones are: three blocks of equal length."""
    rng = np.random.default_rng(seed)
    blocks = [unit_rows(rng.normal(size=(n, 768)).astype(np.float32)) for _ in range(3)]
    return unit_rows(np.concatenate(blocks, axis=1))


@pytest.fixture
def store(tmp_path) -> Storage:
    """An empty store."""
    return Storage(tmp_path / "store", create=True)


@pytest.fixture(scope="session")
def plain_encoders():
    """For tests of everything but what vectors mean."""
    return {modality: PlainEncoder(modality) for modality in MODALITIES}


@pytest.fixture(scope="session")
def imported(tmp_path_factory) -> Storage:
    """Six titles with labelled scenes, imported, trained on, embedded and indexed."""
    from tests.helpers.features import scenes_store

    return scenes_store(tmp_path_factory.mktemp("imported"))


@pytest.fixture(scope="module")
def local_ray():
    """One Ray for all tests of a file: it takes seconds to start."""
    from mediafm_store.engines.ray import Ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        with closing(Ray(None, WORKERS)) as engine:
            engine.connect()
            yield
