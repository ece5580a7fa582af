"""Features that were computed elsewhere, made up."""

import numpy as np

from mediafm_store import ImportOptions, TrainConfig
from mediafm_store.embedding.embed import embed
from mediafm_store.importing.importer import import_features
from mediafm_store.indexing.build import build_index
from mediafm_store.storage.storage import Storage
from mediafm_store.training.train import train
from tests.helpers.plain import PlainEncoder

READER = PlainEncoder("text")


def film(shots: int = 6, seed: int = 0, **arrays) -> dict[str, np.ndarray]:
    """Two kinds of vectors, times in seconds."""
    rng = np.random.default_rng(seed)
    return {
        "visual": rng.normal(size=(shots, 20)).astype(np.float32),
        "audio": rng.normal(size=(shots, 900)),
        "start_s": 2.0 * np.arange(shots),
        "end_s": 2.0 * np.arange(shots) + 2,
        **arrays,
    }


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def bring(store, *files, **options):
    return import_features(store, files, ImportOptions(**options), encoder=READER)


def scenes_store(folder) -> Storage:
    """Six films of scenes of eight shots, with words, imported, trained, embedded, indexed."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scenes = rng.normal(size=(10, 20)).repeat(8, axis=0)
        arrays = film(80, seed, visual=scenes + 2 * rng.normal(size=(80, 20)))
        words = np.array([f"line {seed} {i}" if i % 3 else "" for i in range(80)])
        save(folder / f"f{seed}.npz", **arrays, words=words, scene=np.arange(80) // 8)
    store = Storage(folder / "store", create=True)
    bring(store, *sorted(folder.glob("*.npz")))
    train(store, preset="tiny", config=TrainConfig(steps=2), device="cpu")
    embed(store, device="cpu")
    for space in ("fused", "context", "described"):
        build_index(store, store.live(space), device="cpu")
    return store
