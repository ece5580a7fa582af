"""What every engine promises, and what Ray does when workers die."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Lock, Thread

import numpy as np
import pytest

from benchmarks.ray import workers_of
from mediafm_store.embedding.embed import embed
from mediafm_store.encoders.encoder import EncoderOutput
from mediafm_store.engines import elsewhere, engine_of
from mediafm_store.engines.resources import Node
from mediafm_store.errors import InvalidInput
from mediafm_store.ingestion.backfill import backfill
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from mediafm_store.training.train import train
from mediafm_store.training.trainer import TrainConfig
from tests.conftest import WORKERS
from tests.helpers import stages
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import PlainEncoder

pytestmark = pytest.mark.slow


@pytest.fixture(params=["threads", "ray"])
def engine(request):
    if request.param == "ray":
        request.getfixturevalue("local_ray")
    with engine_of(request.param, workers=WORKERS) as engine:
        yield engine


@pytest.fixture
def on_ray(local_ray):
    with engine_of("ray", workers=WORKERS) as engine:
        yield engine


def test_one_outcome_of_each_item(engine):
    outcomes = list(engine.run(stages.double, iter(range(10))))
    assert sorted((o.item, o.get()) for o in outcomes) == [(i, 2 * i) for i in range(10)]
    assert list(engine.run(stages.double, [])) == []


def test_an_item_that_raises_is_told_and_the_others_are_done(engine):
    outcomes = {o.item: o for o in engine.run(stages.refuse_odd, range(6))}
    assert [outcomes[i].result for i in (0, 2, 4)] == [0, 2, 4]
    for i in (1, 3, 5):
        with pytest.raises(ValueError, match=f"^{i} is odd$"):
            outcomes[i].get()


def test_workers_wait_for_a_slow_consumer(engine, tmp_path):
    with closing(engine.run(stages.Counts(tmp_path), range(100))) as outcomes:
        for taken in range(1, 4):
            next(outcomes)
            time.sleep(0.3)
            assert len(list(tmp_path.iterdir())) <= taken + engine.workers
    assert len(list(tmp_path.iterdir())) < 10


def test_closing_ends_the_workers(engine):
    began = time.monotonic()
    with closing(engine.run(stages.slow_then_double, range(4))) as outcomes:
        assert next(outcomes).get() in {0, 2}
        began = time.monotonic()
    assert time.monotonic() - began < 1.5


def test_a_local_ray_is_on_this_machine_alone(local_ray):
    import ray

    assert {node["NodeManagerAddress"] for node in ray.nodes()} == {"127.0.0.1"}


def test_an_item_whose_worker_died_is_tried_again(on_ray, tmp_path, caplog, capfd):
    caplog.set_level("DEBUG", "mediafm_store")
    outcomes = list(on_ray.run(stages.DiesOnce(tmp_path), range(6)))
    assert (tmp_path / "died").exists()
    assert sorted(o.get() for o in outcomes) == list(range(6))
    assert "its work is tried again" in caplog.text
    wait_for(lambda: "worker died or was killed" in caplog.text)  # what Ray says of it
    assert capfd.readouterr().out == ""


def wait_for(done):
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def test_an_item_that_kills_its_workers_is_told_and_the_others_are_done(on_ray):
    outcomes = {o.item: o for o in on_ray.run(stages.dies_of_three, range(6))}
    assert sorted(i for i, o in outcomes.items() if o.error is None) == [0, 1, 2, 4, 5]
    with pytest.raises(InvalidInput, match="4 workers died of it"):
        outcomes[3].get()


def test_a_stage_that_workers_cannot_load_ends_the_run(on_ray):
    with pytest.raises(FileNotFoundError, match="no weights here"):
        list(on_ray.run(stages.NeedsWeights(), range(3)))


def test_workers_that_die_before_they_begin(on_ray, monkeypatch):
    monkeypatch.setattr("mediafm_store.engines.worker_pool._STARTS", 3)
    with pytest.raises(InvalidInput, match="die before they begin"):
        list(on_ray.run(stages.DiesLoading(), range(3)))


def test_workers_are_processes(on_ray):
    assert os.getpid() not in {o.get() for o in on_ray.run(stages.process, range(4))}


def test_a_stage_that_cannot_be_sent_is_refused(on_ray):
    lock = Lock()
    with pytest.raises(InvalidInput, match="use engine threads"):
        next(on_ray.run(lambda item, tell: lock, [1]))


@pytest.mark.parametrize("call", ["nodes", "put", "remote", "wait", "get", "kill"])
def test_a_cluster_that_is_gone_is_told_by_each_call(on_ray, monkeypatch, call):
    from mediafm_store.engines.cluster import ray

    def fail(*_args, **_options):
        raise ConnectionError("GRPC connection failed: no\nmore of it")

    outcomes = on_ray.run(stages.dies_of_three, [3])
    monkeypatch.setattr(ray, call, fail)
    told = r"^the cluster is gone \(GRPC connection failed: no\); start it, and this again$"
    with pytest.raises(InvalidInput, match=told):
        list(outcomes)


def test_what_others_say_of_the_network_is_left_as_it_is(local_ray):
    from mediafm_store.engines.cluster import gone_told

    with pytest.raises(ConnectionRefusedError), gone_told():
        raise ConnectionRefusedError("a model cannot be downloaded")


def test_workers_without_a_place_are_told_of_once(on_ray, monkeypatch, caplog):
    from mediafm_store.engines import worker_pool
    from mediafm_store.engines.cluster import ray

    cores = int(ray.cluster_resources()["CPU"])
    other = ray.remote(worker_pool.Worker).options(num_cpus=cores).remote()
    ray.get(other.begin.remote())
    monkeypatch.setattr(worker_pool, "_PLACE_S", 0.3)

    def make_room():
        wait_for(lambda: caplog.records)
        time.sleep(0.5)  # in which it might be told again
        ray.kill(other)

    Thread(target=make_room).start()
    assert [o.get() for o in on_ray.run(stages.double, [1])] == [2]
    assert [record.getMessage() for record in caplog.records] == [
        "no worker has found a place in the cluster for 0.3 s: each asks for"
        f" {cores} CPU; free are 0 CPU"
    ]


def test_workers_that_are_slow_to_load_have_a_place(local_ray, monkeypatch, caplog):
    from mediafm_store.engines import cluster, worker_pool
    from mediafm_store.engines.resources import WorkerResources

    waiting = worker_pool.TaskQueue([1])
    hired = worker_pool.WorkerPool(cluster.sendable(stages.SlowToLoad()), 1, WorkerResources(1, 0))
    hired.assign(waiting)
    cluster.ray.get([one.begun for one in hired._loading.values()])
    monkeypatch.setattr(worker_pool, "_PLACE_S", 0.0)
    assert hired.outcome(waiting) is None
    assert not caplog.records
    hired.dismiss()


def test_workers_without_a_share_of_a_gpu_see_none(on_ray):
    """Where Ray leaves all to them, they would take the memory of those that have one."""
    assert {o.get() for o in on_ray.run(stages.visible_gpus, range(2))} == {""}


def test_where_workers_may_be(local_ray, monkeypatch):
    from mediafm_store.engines import ray

    assert elsewhere("ray://head:10001")
    assert not elsewhere("threads")
    assert not elsewhere("ray")
    monkeypatch.setattr(ray, "nodes", lambda: [Node("another", cpus=2, gpus=0)])
    assert elsewhere("ray"), "this process is connected to it"


@pytest.mark.parametrize(
    ("name", "workers", "told"), [("spark", 1, "not one of"), ("threads", 0, "1 to 1024, are 0")]
)
def test_values_that_make_no_sense(name, workers, told):
    with pytest.raises(InvalidInput, match=told), engine_of(name, workers=workers):
        pass


def test_without_ray_the_cure_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("cluster", "crew", "ray"):
        monkeypatch.delitem(sys.modules, f"mediafm_store.engines.{name}", raising=False)
    with pytest.raises(InvalidInput, match=r"pip install 'mediafm-store\[ray\]'"), engine_of("ray"):
        pass


@pytest.fixture
def several(tmp_path):
    """Five short films, one with subtitles, and one that is none."""
    folder = tmp_path / "films"
    folder.mkdir()
    for number in range(5):
        images = list(pictures(24 * (2 + number % 3), size=(96, 64)))
        make_film(folder / f"film{number}.mp4", images=images, sounds=["mono"])
    (folder / "film1.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nWhere are you?\n")
    (folder / "text.mp4").write_text("this is not a film\n" * 100)
    return folder


def test_ray_ingests_as_threads_do(local_ray, several, encoders, tmp_path):
    stores = {}
    for engine in ("threads", "ray"):
        stores[engine] = Storage(tmp_path / engine, create=True)

        def run(engine=engine):
            options = {"encoders": encoders, "workers": 2, "engine": engine}
            return [r.state for r in ingest(stores[engine], [several], **options)]

        assert run() == ["ingested"] * 5 + ["failed"]
        assert run() == ["unchanged"] * 5 + ["failed"]
    (several / "film1.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nOver there.\n")
    for engine, store in stores.items():
        results = ingest(store, [several / "film1.mp4"], encoders=encoders, engine=engine)
        assert [r.state for r in results] == ["updated"]
        assert "Over there." in store.shots("film1")["words"][0]
    one, other = stores["threads"], stores["ray"]
    assert one.shots().equals(other.shots())
    assert one.cues("film1").equals(other.cues("film1"))
    for space in ("fused", "described", "metadata"):
        a, b = (s.vectors(s.live(space)).vectors for s in (one, other))
        assert np.allclose(a, b, atol=1e-3)


def test_ctrl_c_ends_ray_cleanly(films, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.mp4").symlink_to(films / "sintel" / "sintel.mp4")
    command = [sys.executable, "-m", "mediafm_cli", "ingest", str(tmp_path), "--engine", "ray"]
    command += ["--store", str(tmp_path / "store")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: process.poll() or any(map(is_at_work, workers_of(process.pid))))
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told == "Interrupted; what `mediafm ingest` finished is kept.\n"
    assert len(Storage(tmp_path / "store").titles()) == 0


def is_at_work(pid):
    """Whether a worker has an item: Ray names processes after what they do."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Worker.work")
    except OSError:  # it has ended
        return False


KILLED_AFTER_FIRST = """
import os, signal, sys
from pathlib import Path
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from tests.helpers.plain import PlainEncoder

def stop(result):
    os.kill(os.getpid(), signal.SIGKILL)

encoders = {modality: PlainEncoder(modality) for modality in ("visual", "audio", "text")}
store = Storage(sys.argv[2], create=True)
ingest(store, [Path(sys.argv[1])], encoders=encoders, engine="ray", on_title=stop)
"""


def test_a_killed_driver_is_started_again(local_ray, several, plain_encoders, tmp_path):
    path = tmp_path / "store"
    killed = [sys.executable, "-c", KILLED_AFTER_FIRST, str(several), str(path)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # Ray outlives it a while
    assert subprocess.run(killed, check=False, **quiet).returncode == -signal.SIGKILL
    store = Storage(path)
    assert 0 < len(store.titles()) < 5
    ingest(store, [several], encoders=plain_encoders, engine="ray")
    assert store.titles()["id"].to_list() == [f"film{n}" for n in range(5)]
    assert store.table("shots").count_rows() == store.titles()["shots"].sum()


def test_ray_backfills_and_embeds_as_threads_do(
    local_ray, several, plain_encoders, encoders, tmp_path
):
    others, stores = {**plain_encoders, "text": encoders["text"]}, {}
    trained = Storage(tmp_path / "trained", create=True)
    ingest(trained, [several], encoders=plain_encoders)
    train(trained, preset="tiny", config=TrainConfig(steps=2), device="cpu")
    for engine in ("threads", "ray"):
        store = stores[engine] = Storage(shutil.copytree(trained.path, tmp_path / engine))
        embed(store, workers=2, engine=engine)
        made = backfill(store, others, workers=2, engine=engine)
        assert [r.state for r in made.results] == ["ingested"] * 5
        assert {space.state for space in made.spaces} == {"backfilled"}
    one, other = stores.values()
    spaces = [s for s in one.spaces() if s.state in {"live", "backfilled"}]
    assert {s.table for s in spaces} >= {"fused_v2", "described_v2", "context_v1", "title_v1"}
    for space in spaces:
        a, b = one.vectors(space), other.vectors(space)
        assert a.ids == b.ids
        assert np.allclose(a.vectors, b.vectors, atol=1e-3)


# GPUs


def test_messages_have_so_many_bytes(monkeypatch):
    from mediafm_store.engines import encoder_actors

    sent = []
    encoder = encoder_actors.RemoteEncoder("it", "text", "f", ("a",))
    told = EncoderOutput(np.zeros((1, 2)), np.zeros((1, 2)), [()])
    monkeypatch.setattr(encoder_actors, "_MESSAGE_BYTES", 8)
    monkeypatch.setattr(
        encoder_actors.RemoteEncoder, "_ask", lambda self, method, items: sent.append(items) or told
    )
    encoder.encode(["four", "äöü", "x", "longer than that"])
    encoder.encode([])
    assert sent == [["four"], ["äöü", "x"], ["longer than that"], []]


def test_encoders_are_held_by_other_processes(local_ray, plain_encoders, monkeypatch):
    """As on GPUs, which this machine need not have."""
    from mediafm_store.engines import encoder_actors

    monkeypatch.setitem(encoder_actors._OPTIONS, "num_gpus", 0)
    monkeypatch.setattr(encoder_actors, "_MESSAGE_BYTES", 1000)
    held = encoder_actors.hold(plain_encoders, 2)
    for modality, items in {
        "visual": [np.full((8, 8, 3), n, np.uint8) for n in range(12)],
        "text": ["one", "two"],
        "audio": [],
    }.items():
        mine, theirs = plain_encoders[modality], held[modality]
        assert (mine.name, mine.fingerprint) == (theirs.name, theirs.fingerprint)
        for one, other in zip(mine.encode(items), theirs.encode(items), strict=True):
            assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
    query = held["text"].encode_query(["a query"])
    assert np.array_equal(query, plain_encoders["text"].encode_query(["a query"]))


def test_ray_ingests_by_held_encoders_as_threads_do(
    local_ray, several, plain_encoders, tmp_path, monkeypatch
):
    from mediafm_store.engines import encoder_actors, ray

    monkeypatch.setitem(encoder_actors._OPTIONS, "num_gpus", 0)
    monkeypatch.setattr(ray, "nodes", lambda: [Node("here", cpus=WORKERS, gpus=1)])
    held, hold = [], encoder_actors.hold
    monkeypatch.setattr(encoder_actors, "hold", lambda *a: held.append(hold(*a)) or held[-1])
    stores = [Storage(tmp_path / engine, create=True) for engine in ("threads", "ray")]
    ingest(stores[0], [several], encoders=plain_encoders)
    ingest(stores[1], [several], encoders=plain_encoders, engine="ray", workers=WORKERS)
    assert {type(encoder) for encoder in held[0].values()} == {encoder_actors.RemoteEncoder}
    assert len(stores[1].titles()) == 5
    for space in ("fused", "described", "metadata"):
        a, b = (s.vectors(s.live(space)) for s in stores)
        assert a.ids == b.ids
        assert np.allclose(a.vectors, b.vectors, atol=1e-3)


def test_a_holder_that_dies_is_begun_anew(local_ray, plain_encoders, monkeypatch):
    from mediafm_store.engines import encoder_actors
    from mediafm_store.engines.cluster import ray

    monkeypatch.setitem(encoder_actors._OPTIONS, "num_gpus", 0)
    held = encoder_actors.hold(plain_encoders, 1)
    before = held["text"].encode(["one"]).blocks
    ray.kill(ray.get_actor(held["text"].holders[0]), no_restart=False)
    assert np.array_equal(held["text"].encode(["one"]).blocks, before)


class Unloadable(PlainEncoder):
    """An encoder that cannot be loaded elsewhere."""

    def __reduce__(self):
        return stages.lost_weights, ()


def test_encoders_that_cannot_be_loaded_end_the_run_at_once(local_ray, monkeypatch):
    from mediafm_store.engines import encoder_actors

    monkeypatch.setitem(encoder_actors._OPTIONS, "num_gpus", 0)
    with pytest.raises(FileNotFoundError, match="no weights here"):
        encoder_actors.hold({"text": Unloadable("text")}, 1)


def test_only_what_a_holder_has_on_its_gpu_is_held(local_ray, encoders, monkeypatch):
    """The encoders that ship run on CPUs: one process for all workers would hold them up."""
    from mediafm_store.engines import encoder_actors

    monkeypatch.setitem(encoder_actors._OPTIONS, "num_gpus", 0)
    assert encoder_actors.hold(encoders, 1) is encoders
    held = encoder_actors.RemoteEncoders(encoders, {"text": PlainEncoder("text")}, [])
    there = pickle.loads(pickle.dumps(held))
    assert isinstance(there["text"], PlainEncoder)
    assert there["visual"].fingerprint == encoders["visual"].fingerprint
