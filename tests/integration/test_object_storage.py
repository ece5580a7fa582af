"""A store at s3://..., with moto's server on loopback as the object store."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import fs

from mediafm_store import TrainConfig
from mediafm_store.embedding.embed import embed
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.files import file_system
from mediafm_store.health import doctor
from mediafm_store.indexing.build import build_index, build_indexes
from mediafm_store.indexing.directories import index_folder, newest_build
from mediafm_store.storage.storage import Storage
from mediafm_store.training import resume
from mediafm_store.training.checkpoints import _CHECKPOINTS as CHECKPOINTS
from mediafm_store.training.checkpoints import _UNFINISHED as UNFINISHED
from mediafm_store.training.checkpoints import saved
from mediafm_store.training.train import train
from tests.conftest import random_vectors, title_rows
from tests.helpers.plain import search_all as search


@pytest.fixture(scope="module")
def bucket():
    """The address of an empty bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    told = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT": address,
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in told.items():
            patched.setenv(name, value)
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="films")
        yield "s3://films"
    server.stop()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Go to another machine: with nothing in its cache."""

    def go(name):
        monkeypatch.setenv("MEDIAFM_CACHE", str(tmp_path / name))

    go("one")
    return go


def test_a_store_lives_in_a_bucket(bucket, machine, tmp_path):
    address = f"{bucket}/catalogue"
    with pytest.raises(NotFound, match="no store at s3://films/catalogue"):
        Storage(address)
    store = Storage(address, create=True)
    for seed, title in enumerate(["alpha", "beta", "gamma", "delta"]):
        store.add_title(title_rows(store, title, random_vectors(8, seed)))
    before = [h.shot for h in search(store, shot="alpha/00003", k=5)]
    build_index(store, store.live("fused"))
    assert newest_build(index_folder(store, store.live("fused"))).is_relative_to(tmp_path / "one")
    assert [h.shot for h in search(store, shot="alpha/00003", k=5)] == before

    with pytest.raises(
        InvalidInput, match="lie on this machine, where workers on others cannot write"
    ):
        build_indexes(store, [store.live("fused")], engine="ray://host:1")

    train(store, preset="tiny", config=TrainConfig(steps=1), device="cpu")
    embed(store, device="cpu")
    in_context = [h.shot for h in search(store, shot="alpha/00003", k=5)]

    machine("two")
    other = Storage(address)
    assert other.titles()["id"].to_list() == ["alpha", "beta", "delta", "gamma"]
    assert [h.shot for h in search(other, shot="alpha/00003", k=5)] == in_context
    assert [c.name for c in saved(other)] == ["0001"]
    other.add_title(title_rows(other, "epsilon", random_vectors(3, 9)))
    embed(other, device="cpu")  # with the model that the first machine trained
    assert other.lacking(other.live("context")) == []
    assert other.view("context").lazy().collect().shape[0] == 35
    assert {f.check for f in doctor(other) if f.state == "wrong"} == {"media"}

    machine("one")
    fresh = Storage(address)
    assert len(search(fresh, shot="epsilon/00001", space="fused", k=34)) == 34


def test_a_training_goes_on_at_another_machine(bucket, machine, monkeypatch):
    monkeypatch.setattr(resume, "_EVERY_S", 0.0)
    store = Storage(f"{bucket}/cut-off", create=True)
    for seed, title in enumerate(["alpha", "beta", "gamma"]):
        store.add_title(title_rows(store, title, random_vectors(8, seed)))
    config = TrainConfig(steps=4, validate_every=1)

    def kill(step):
        if step.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(store, preset="tiny", config=config, device="cpu", on_step=kill)
    machine("two")
    there = Storage(f"{bucket}/cut-off")
    assert len(states(there)) == 1
    taken = []
    train(there, preset="tiny", config=config, device="cpu", on_step=taken.append)
    assert [step.step for step in taken] == [3, 4]
    assert states(there) == []


def states(store):
    """The files of trainings that are not over."""
    with file_system(store.place.address) as (system, root):
        files = system.get_file_info(fs.FileSelector(f"{root}/{CHECKPOINTS}"))
    return [file.path for file in files if file.base_name.startswith(UNFINISHED)]


def test_the_command_line_takes_an_address(bucket, machine):
    address = f"{bucket}/cli"
    store = Storage(address, create=True)
    store.add_title(title_rows(store, "alpha", random_vectors(4)))

    def mediafm(*arguments):
        command = [sys.executable, "-m", "mediafm_cli", *arguments, "--store", address, "--json"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ
        ).stdout

    assert json.loads(mediafm("titles", "list"))["id"] == "alpha"
    (row,) = map(json.loads, mediafm("index", "build", "fused").splitlines())
    assert row["rows"] == 4
    asked = ("search", "--shot", "alpha/00001", "--same-scene", "--least", "0")
    assert len(mediafm(*asked).splitlines()) == 3


def test_an_address_that_cannot_be_reached_is_told(monkeypatch, machine):
    with pytest.raises(InvalidInput, match="cannot be"):
        Storage("odd://films/catalogue", create=True)


ADD = """
import sys
from pathlib import Path
import numpy as np
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
address, who = sys.argv[1:]
store = Storage(address)
sys.stdin.readline()
for number in range(6):
    rows = [title_rows(store, f"{who}{number}{part}", random_vectors(2)) for part in "xy"]
    store.add_titles(rows)
"""


def test_machines_that_write_at_once_lose_nothing(bucket, machine, tmp_path, monkeypatch):
    """Their locks are of two machines: LanceDB alone keeps their commits apart."""
    address = f"{bucket}/two"
    store = Storage(address, create=True)
    store.add_title(title_rows(store, "first", random_vectors(2)))
    writers = []
    for who in ("one", "two"):
        monkeypatch.setenv("MEDIAFM_CACHE", str(tmp_path / who))
        command = [sys.executable, "-c", ADD, address, who]
        root = str(Path(__file__).parents[2])
        writers.append(subprocess.Popen(command, stdin=subprocess.PIPE, cwd=root))
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    titles = [f"{who}{n}{part}" for who in ("one", "two") for n in range(6) for part in "xy"]
    assert store.titles()["id"].to_list() == sorted(["first", *titles])
    counts = dict.fromkeys(sorted(["first", *titles]), 2)
    assert store.rows_by_title(store.live("fused")) == counts
    assert dict(store.shots().group_by("title").len().sort("title").iter_rows()) == counts


def test_a_search_looks_once_for_each_table(bucket, machine, monkeypatch):
    store = Storage(f"{bucket}/once", create=True)
    store.add_titles([title_rows(store, t, random_vectors(4, i)) for i, t in enumerate("abc")])
    opened = []
    database = store.tables._db
    open_table = type(database).open_table

    def count(self, name, **options):
        opened.append(name)
        return open_table(self, name, **options)

    monkeypatch.setattr(type(database), "open_table", count)
    assert search(store, shot="a/00001", space=None, k=3)
    assert sorted(opened) == sorted(set(opened))
    opened.clear()
    store.add_title(title_rows(store, "d", random_vectors(4, 1)))  # the same vectors as b's
    assert "d/00002" in [h.shot for h in search(store, shot="b/00002", space=None, k=3)]
