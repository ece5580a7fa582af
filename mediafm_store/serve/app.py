"""The addresses: / /search /titles/ID /atlas /report /media/ID /thumbnails/ID/INDEX."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from mediafm_store.charts.sprites import Sprites
from mediafm_store.errors import MediaFMError, NotFound
from mediafm_store.report import map_page, search_page, title_page
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import PLAYER, policy, render
from mediafm_store.serve.library import SharedStore
from mediafm_store.serve.pages import Pages
from mediafm_store.serve.query import form_of
from mediafm_store.serve.security import HOSTS, RequestGuard, SecurityHeaders, headers

_MOST_BYTES = 200_000_000
"""Of a file that is sent to be searched by, with its form."""
_SCRIPTS = tuple({*search_page.SCRIPTS, *title_page.SCRIPTS, *map_page.SCRIPTS, PLAYER})
"""All that a served page may run."""


def make_app(library: SharedStore, *, most_bytes: int = _MOST_BYTES) -> ASGIApp:
    """The pages of a store as an ASGI application."""
    pages = Pages(library, most_bytes)
    guarded = Mount(
        "/",
        routes=[
            Route("/", pages.titles),
            Route("/search", pages.find, methods=["GET"]),
            Route("/search", pages.find_file, methods=["POST"]),
            Route("/titles/{title}", pages.title),
            Route("/atlas", pages.atlas),
            Route("/report", pages.report),
            Route("/media/{title}", pages.media),
            Route("/thumbnails/{shot:path}", pages.thumbnail),
        ],
        middleware=[Middleware(RequestGuard)],
    )
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)
    handlers = {
        MediaFMError: _error_page,
        HTTPException: _error_page,
        ClientDisconnect: _gone,
        500: _error_page,
    }
    app = Starlette(routes=[guarded], middleware=[hosts], exception_handlers=handlers)
    # Around all of it: Starlette answers errors of the code outside of its middleware.
    return SecurityHeaders(app, headers(policy(_SCRIPTS, served=True)))


def _error_page(request: Request, error: Exception) -> Response:
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


def _gone(_: Request, __: Exception) -> Response:
    """For a client that is no longer there: nothing."""
    return Response()
