"""A Ray cluster that another program has started, reached at ray://HOST:PORT."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from mediafm_store.engines import engine_of
from mediafm_store.engines.resources import Node
from mediafm_store.errors import InvalidInput
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from tests.conftest import ROOT
from tests.helpers import stages
from tests.helpers.odd_films import make_film, pictures

pytestmark = pytest.mark.slow
HERE = "127.0.0.1"
START = "--head --block --num-cpus=2 --num-gpus=1 --include-dashboard=false --disable-usage-stats"


def free_port():
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection((HERE, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Its process and address; it listens on the loopback address alone.

    It says that it has a GPU, which nobody uses.
    """
    log, port = tmp_path_factory.mktemp("cluster") / "ray.log", free_port()
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *START.split()]
    command += [f"--node-ip-address={HERE}"]
    command += [f"--port={free_port()}", f"--ray-client-server-port={port}"]
    command += [f"--dashboard-agent-listen-port={free_port()}"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    at_home = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "PYTHONPATH": path}
    with pytest.MonkeyPatch.context() as patch, log.open("w") as told:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "1")
        head = subprocess.Popen(
            command,
            env=os.environ | at_home,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            began = time.monotonic()
            while not answers(port):
                assert head.poll() is None, log.read_text()
                assert time.monotonic() - began < 60
                time.sleep(0.2)
            yield head, f"ray://{HERE}:{port}"
        finally:
            end(head)


def end(head):
    """The node and all that it has started."""
    if head.poll() is None:
        os.killpg(head.pid, signal.SIGKILL)
        head.wait()


def test_a_cluster_ingests_as_threads_do(cluster, plain_encoders, tmp_path, monkeypatch):
    """Also with encoders that a process of its own holds, as on machines with GPUs."""
    from mediafm_store.engines import ray

    films = tmp_path / "films"
    films.mkdir()
    for n in range(3):
        make_film(films / f"{n}.mp4", images=list(pictures(48, size=(96, 64))), sounds=["mono"])
    stores = []
    for name in ("threads", "held", "own"):
        if name == "own":
            monkeypatch.setattr(ray, "nodes", lambda: [Node("head", cpus=2, gpus=0)])
        stores.append(Storage(tmp_path / name, create=True))
        engine = "threads" if name == "threads" else cluster[1]
        found = ingest(stores[-1], [films], encoders=plain_encoders, engine=engine, workers=2)
        assert [result.state for result in found] == ["ingested"] * 3
    for store in stores[1:]:
        for space in ("fused", "described", "metadata"):
            one, other = (s.vectors(s.live(space)) for s in (stores[0], store))
            assert one.ids == other.ids
            assert np.allclose(one.vectors, other.vectors, atol=1e-3)


def test_a_share_of_a_gpu_is_all_that_workers_see(cluster):
    with engine_of(cluster[1], workers=2) as engine:
        for on_gpu, seen in {True: "0", False: ""}.items():
            outcomes = engine.run(stages.visible_gpus, range(4), on_gpu=on_gpu)
            assert {outcome.get() for outcome in outcomes} == {seen}


def test_no_cluster_there():
    address = f"ray://{HERE}:{free_port()}"
    with pytest.raises(InvalidInput, match="nothing answers at ray://"), engine_of(address):
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Ray's own
def test_a_cluster_that_goes_away(cluster, tmp_path):
    """The last one of this file: it ends the cluster."""
    head, address = cluster
    with engine_of(address, workers=2) as engine:
        outcomes = engine.run(stages.SlowAndCounts(tmp_path), range(50))
        next(outcomes)
        end(head)
        with pytest.raises(InvalidInput, match="the cluster is gone"):
            list(outcomes)
