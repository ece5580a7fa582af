"""A Ray cluster that another program has started, reached at ray://HOST:PORT."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from mediafm_store import Store, ingest
from mediafm_store.engines import engine_of
from mediafm_store.errors import BadInput
from tests import stages
from tests.conftest import ROOT
from tests.odd_films import make_film, pictures

pytestmark = pytest.mark.slow
HERE = "127.0.0.1"
START = "--head --block --num-cpus=2 --include-dashboard=false --disable-usage-stats"


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


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Its process and address; it listens on the loopback address alone."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "1")
    port = free_port()
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *START.split()]
    command += [f"--node-ip-address={HERE}"]
    command += [f"--port={free_port()}", f"--ray-client-server-port={port}"]
    command += [f"--dashboard-agent-listen-port={free_port()}"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    at_home = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "PYTHONPATH": path}
    with (tmp_path / "ray.log").open("w") as told:
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
            assert head.poll() is None, (tmp_path / "ray.log").read_text()
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
    """Also with encoders that processes of their own hold, as on machines with GPUs."""
    from mediafm_store.engines import holders, ray

    monkeypatch.setitem(holders.OPTIONS, "num_gpus", 0)
    films = tmp_path / "films"
    films.mkdir()
    for n in range(3):
        make_film(films / f"{n}.mp4", images=list(pictures(48, size=(96, 64))), sounds=["mono"])
    stores = []
    for name, gpus in {"threads": 0, "own": 0, "held": 1}.items():
        monkeypatch.setattr(ray, "resource", lambda _, gpus=gpus: gpus)
        stores.append(Store(tmp_path / name, create=True))
        engine = "threads" if name == "threads" else cluster[1]
        found = ingest(stores[-1], [films], encoders=plain_encoders, engine=engine, workers=2)
        assert [result.state for result in found] == ["ingested"] * 3
    for store in stores[1:]:
        for space in ("fused", "described", "metadata"):
            one, other = (s.vectors(s.live(space)) for s in (stores[0], store))
            assert one.ids == other.ids
            assert np.allclose(one.vectors, other.vectors, atol=1e-3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Ray's own
def test_a_cluster_that_goes_away(cluster, tmp_path):
    head, address = cluster
    with engine_of(address, workers=2) as engine:
        outcomes = engine.run(stages.SlowAndCounts(tmp_path), range(50))
        next(outcomes)
        end(head)
        with pytest.raises(BadInput, match="the cluster is gone"):
            list(outcomes)


def test_no_cluster_there():
    address = f"ray://{HERE}:{free_port()}"
    with pytest.raises(BadInput, match="cannot be reached"), engine_of(address):
        pass
