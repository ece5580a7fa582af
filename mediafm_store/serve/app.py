"""The addresses: / /search /titles/ID /atlas /report /media/ID /thumbnails/ID/INDEX."""

import mimetypes
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from mediafm_store.errors import BadInput, MediaFMError, NotFound
from mediafm_store.parallel import cores
from mediafm_store.report import mapped, searched, titled
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import PLAYER, policy, render
from mediafm_store.report.sprites import Sprites
from mediafm_store.serve.guard import HOSTS, Guarded, WithHeaders, bounded, headers
from mediafm_store.serve.library import Library
from mediafm_store.serve.query import form_of, query_of
from mediafm_store.serve.turns import Turns
from mediafm_store.tasks.beside import VIDEO_SUFFIXES

MOST_BYTES = 200_000_000
"""Of a file that is sent to be searched by."""
MOST_FIELDS = 40
"""Of the form that it is sent with."""
MOST_IN_FIELD = 10_000
"""Bytes of each."""
SCRIPTS = tuple({*searched.SCRIPTS, *titled.SCRIPTS, *mapped.SCRIPTS, PLAYER})
"""All that a served page may run."""


def make_app(library: Library, *, most_bytes: int = MOST_BYTES) -> ASGIApp:
    """The pages of a store as an ASGI application."""

    # Searches and pages keep a core busy each; a file that is searched by, all of them; the
    # first atlas of a store takes half a minute, so only those who want it wait for it.
    searching, drawing, encoding = Turns(cores()), Turns(1), Turns(1)

    async def titles(request: Request) -> Response:
        return HTMLResponse(await searching.take(request, library.titles))

    async def find(request: Request) -> Response:
        values = dict(request.query_params)
        check_sent(values)
        if "q" in values:  # what is typed may be the name of a shot
            meant = await searching.take(request, partial(library.meant, values))
            return RedirectResponse(meant.address, 303)
        query = query_of(values)
        if query.text is not None:
            await encoding.take(request, library.load)
        return HTMLResponse(await searching.take(request, partial(library.search, query)))

    async def find_file(request: Request) -> Response:
        sized = Request(request.scope, bounded(request.receive, most_bytes))
        limits = {"max_files": 1, "max_fields": MOST_FIELDS, "max_part_size": MOST_IN_FIELD}
        async with sized.form(**limits) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile) or not sent.filename:
                raise BadInput("no file was chosen; choose a picture, a sound or a video")
            values = {n: v for n, v in form.items() if isinstance(v, str)}
            search = partial(search_file, library, sent.file, Path(sent.filename), values)
            return HTMLResponse(await encoding.take(sized, search))

    async def title(request: Request) -> Response:
        make = partial(library.title, request.path_params["title"])
        return HTMLResponse(await searching.take(request, make))

    async def atlas(request: Request) -> Response:
        return HTMLResponse(await drawing.take(request, library.atlas))

    async def report(request: Request) -> Response:
        make = partial(library.report, request.query_params)
        return HTMLResponse(await searching.take(request, make))

    def media(request: Request) -> Response:
        film = library.film(request.path_params["title"])
        kind, _ = mimetypes.guess_type(film.name)
        known = kind if kind and kind.startswith("video/") else "application/octet-stream"
        return FileResponse(film, media_type=known)

    def thumbnail(request: Request) -> Response:
        jpeg = library.picture(request.path_params["shot"])
        # An address that says of which revision it is leads to no other picture.
        kept = {"cache-control": "private, max-age=86400"} if "of" in request.query_params else {}
        return Response(jpeg, media_type="image/jpeg", headers=kept)

    pages = Mount(
        "/",
        routes=[
            Route("/", titles),
            Route("/search", find, methods=["GET"]),
            Route("/search", find_file, methods=["POST"]),
            Route("/titles/{title}", title),
            Route("/atlas", atlas),
            Route("/report", report),
            Route("/media/{title}", media),
            Route("/thumbnails/{shot:path}", thumbnail),
        ],
        middleware=[Middleware(Guarded)],
    )
    handlers = {MediaFMError: told, HTTPException: told, ClientDisconnect: gone, 500: told}
    app = Starlette(
        routes=[pages],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)
        ],
        exception_handlers=handlers,
    )
    # Around all of it: Starlette answers errors of the code outside of its middleware.
    return WithHeaders(app, headers(policy(SCRIPTS, served=True)))


def check_sent(values: Mapping[str, str]) -> None:
    """Raise BadInput if a file was chosen, but only its name came with the form."""
    if name := values.get("file"):
        raise BadInput(f"{name!r} was not sent; press “Search by file”, which sends it")


def search_file(library: Library, sent: BinaryIO, called: Path, values: Mapping[str, str]) -> str:
    """Search for what was sent: as a file while that lasts, in a folder that goes with it."""
    query = library.meant(values)
    suffix = called.suffix.lower()
    with tempfile.TemporaryDirectory(prefix="mediafm-") as folder:
        file = Path(folder) / f"sent{suffix if suffix in VIDEO_SUFFIXES else ''}"
        with file.open("wb") as out:
            shutil.copyfileobj(sent, out)
        try:
            return library.search(query._replace(file=file, called=called.name))
        except MediaFMError as error:
            if str(file) not in str(error):
                raise
            # The user knows it by another name.
            raise BadInput(str(error).replace(str(file), called.name)) from error


def told(request: Request, error: Exception) -> Response:
    """An error as a page, in one line."""
    extra = None
    if isinstance(error, HTTPException):
        status, message, extra = error.status_code, error.detail, error.headers
    elif isinstance(error, MediaFMError):
        status, message = (404 if isinstance(error, NotFound) else 400), str(error)
    else:
        status, message = 500, "something went wrong here; the terminal says what"
    page = render(
        "error.html.j2",
        store="",
        message=message,
        status=status,
        pictures={},
        small=Sprites(),
        links=Links(served=True),
        form=form_of(request.query_params) if request.url.path == "/search" else {},
    )
    return HTMLResponse(page, status, extra)


def gone(_: Request, __: Exception) -> Response:
    """For a client that is no longer there: nothing."""
    return Response()
