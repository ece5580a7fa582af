"""How often each stage asks an object store: commands on a store in a bucket of moto's server."""

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.commands import run

FILMS = 2
ADDRESS = "s3://films/store"


class Counted:
    """A WSGI application that counts what it is asked for, by kind."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.counts: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        method = environ["REQUEST_METHOD"]
        listing = method == "GET" and "list-type=2" in environ.get("QUERY_STRING", "")
        self.counts["LIST" if listing else method] += 1
        return self._app(environ, start)


@contextmanager
def bucket() -> Iterator[Counted]:
    """An empty bucket on loopback; the environment says where, for this process and its own."""
    import boto3
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = Counted(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT": endpoint,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="films")
    try:
        yield app
    finally:
        server.shutdown()


def requests(folder: Path) -> dict[str, dict[str, int]]:
    """How often each stage asks for what, on two sample films: stage -> kind of request -> number.

    The cache of the machine is empty before the first stage.
    """
    from mediafm_store.demo.films import make_sample_catalogue

    films = folder / "films"
    make_sample_catalogue(films, titles=FILMS)
    first = sorted(films.glob("*.mp4"))[0].stem
    stages = {
        "ingest": ["ingest", str(films)],
        "ingest again": ["ingest", str(films)],
        "train": ["train", "--preset", "tiny", "--steps", "1"],
        "embed": ["embed"],
        "index": ["index", "build"],
        "search": ["search", "--shot", f"{first}/00003"],
    }
    found = {}
    os.environ["MEDIAFM_CACHE"] = str(folder / "cache")
    with bucket() as app:
        for name, command in stages.items():
            app.counts.clear()
            run(command, ADDRESS, folder / f"{name}.log")
            found[name] = dict(sorted(app.counts.items())) | {"all": app.counts.total()}
    return found
