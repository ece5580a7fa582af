"""Protection from other web sites: only this machine's own pages may ask, load and embed."""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
"""Names under which this server may be asked: a site's own name that is made to point here
(DNS rebinding) is none of them."""
_LONGEST = 8_000
"""Characters of an address."""
_FOLLOWED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
"""What browsers say of a link that somebody follows: neither a frame nor a picture nor a script
asks so."""


class SecurityHeaders:
    """ASGI middleware: the same headers with every answer, errors included."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    found.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class RequestGuard:
    """ASGI middleware: no more than requests of reasonable length by the server's own pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request. Raises HTTPException for one that is refused."""
        if scope["type"] == "http":
            if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST:
                raise HTTPException(414, f"the address is longer than {_LONGEST:,} characters")
            _check_site(Headers(scope=scope), scope["method"])
        await self.app(scope, receive, send)


def headers(policy: str) -> dict[str, str]:
    """The headers of every answer, with a Content-Security-Policy."""
    return {
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "same-origin",  # with no-referrer, forms would hide where they come from
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cache-control": "no-cache",
    }


def _check_site(asked: Headers, method: str) -> None:
    """Refuse what another site's page asks for, but for a link to here that somebody follows.

    Browsers say which site asks, and where a form comes from.
    """
    origin = asked.get("origin")
    if origin is not None and origin.partition("://")[2] != asked.get("host"):
        raise HTTPException(403, "this form comes from another site")
    foreign = asked.get("sec-fetch-site") in ("cross-site", "same-site")
    followed = method == "GET" and all(asked.get(n) == v for n, v in _FOLLOWED.items())
    if foreign and (not followed or "sec-purpose" in asked):
        raise HTTPException(403, "this was asked for by the page of another site")


def bounded(request: Request, most: int) -> Request:
    """Wrap a request: a body of more than `most` bytes is refused, declared as such or not."""
    too_large = HTTPException(413, f"the file is larger than {most // 1_000_000} MB")
    if int(request.headers.get("content-length", 0)) > most:
        raise too_large
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise too_large
        return message

    return Request(request.scope, counted)
