import pickle

import pytest

from mediafm_store import load_encoders
from mediafm_store.errors import BadInput, NotFound
from mediafm_store.tasks.encoding import Loaded, fingerprints, made_by, resolve_device


def test_a_gpu_is_taken_where_there_is_one_and_never_silently_left_out():
    assert resolve_device("auto", lambda: True) == "cuda"
    assert resolve_device("auto", lambda: False) == "cpu"
    assert resolve_device("cpu", lambda: True) == "cpu"
    assert resolve_device("cuda", lambda: True) == "cuda"
    with pytest.raises(BadInput, match="--device cpu"):
        resolve_device("cuda", lambda: False)


def test_encoders_are_found_by_name_and_by_path():
    names = ("mediafm_store.features.picture:EfficientNetLite0", "yamnet", "minilm-l6")
    assert made_by(load_encoders(names, device="cpu")) == "efficientnet-lite0 + yamnet + minilm-l6"
    with pytest.raises(NotFound, match="yamnet"):
        load_encoders(["nope"], device="cpu")


def test_workers_without_a_gpu_load_what_a_driver_has_on_its_own(encoders, monkeypatch):
    monkeypatch.setattr("mediafm_store.tasks.encoding.cuda_available", lambda: False)
    there = pickle.loads(pickle.dumps(Loaded(encoders, [], "cuda", ["visual"])))
    assert fingerprints(there) == fingerprints(encoders)
    assert there.on_gpu == set()
