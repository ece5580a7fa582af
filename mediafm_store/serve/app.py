"""The addresses: / /search /titles/ID /atlas /report /media/ID /thumbnails/ID/INDEX."""

import mimetypes
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mediafm_store.errors import BadInput, MediaFMError, NotFound
from mediafm_store.report import mapped, searched, titled
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import PLAYER, policy, render
from mediafm_store.report.sprites import Sprites
from mediafm_store.serve.guard import HOSTS, WithHeaders, bounded, check_origin, headers
from mediafm_store.serve.library import Library
from mediafm_store.serve.query import form_of, query_of
from mediafm_store.serve.titles import titles_page
from mediafm_store.tasks.beside import VIDEO_SUFFIXES

MOST_BYTES = 200_000_000
"""Of a file that is sent to be searched by."""
MOST_FIELDS = 40
"""Of the form that it is sent with."""
SCRIPTS = tuple({*searched.SCRIPTS, *titled.SCRIPTS, *mapped.SCRIPTS, PLAYER})
"""All that a served page may run."""


def make_app(library: Library, *, most_bytes: int = MOST_BYTES) -> Starlette:
    """The pages of a store as an ASGI application."""

    def titles(_: Request) -> Response:
        return HTMLResponse(titles_page(library))

    def find(request: Request) -> Response:
        values = dict(request.query_params)
        check_sent(values)
        if "q" in values:
            return RedirectResponse(library.meant(values).address, 303)
        return HTMLResponse(library.search(query_of(values)))

    async def find_file(request: Request) -> Response:
        check_origin(request.headers)
        sized = Request(request.scope, bounded(request.receive, most_bytes))
        async with sized.form(max_files=1, max_fields=MOST_FIELDS) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile) or not sent.filename:
                raise BadInput("no file was chosen; choose a picture, a sound or a video")
            values = {n: v for n, v in form.items() if isinstance(v, str)}
            page = await run_in_threadpool(
                search_file, library, sent.file, Path(sent.filename), values
            )
        return HTMLResponse(page)

    def title(request: Request) -> Response:
        return HTMLResponse(library.title(request.path_params["title"]))

    def whole(request: Request) -> Response:
        pages: dict[str, Callable[[], str]] = {
            "/atlas": library.atlas,
            "/report": partial(library.report, request.query_params),
        }
        return HTMLResponse(pages[request.url.path]())

    def media(request: Request) -> Response:
        film = library.film(request.path_params["title"])
        kind, _ = mimetypes.guess_type(film.name)
        known = kind if kind and kind.startswith("video/") else "application/octet-stream"
        return FileResponse(film, media_type=known)

    def thumbnail(request: Request) -> Response:
        jpeg = library.picture(request.path_params["shot"])
        kept = {"cache-control": "private, max-age=3600"}
        return Response(jpeg, media_type="image/jpeg", headers=kept)

    return Starlette(
        routes=[
            Route("/", titles),
            Route("/search", find, methods=["GET"]),
            Route("/search", find_file, methods=["POST"]),
            Route("/titles/{title}", title),
            Route("/atlas", whole),
            Route("/report", whole),
            Route("/media/{title}", media),
            Route("/thumbnails/{shot:path}", thumbnail),
        ],
        middleware=[
            Middleware(WithHeaders, headers=headers(policy(SCRIPTS, served=True))),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        ],
        exception_handlers={MediaFMError: told, HTTPException: told, 500: told},
    )


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
    if isinstance(error, HTTPException):
        status, message = error.status_code, error.detail
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
    return HTMLResponse(page, status)
