"""Handlers of the addresses."""

import mimetypes
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from mediafm_store.errors import InvalidInput, MediaFMError
from mediafm_store.parallel import cores
from mediafm_store.serve.library import SharedStore
from mediafm_store.serve.query import query_of_address
from mediafm_store.serve.request_queue import RequestQueue
from mediafm_store.serve.security import bounded
from mediafm_store.sources.beside import VIDEO_SUFFIXES

_MOST_SENT = 8
"""Files at a time: they lie on disk."""
_MOST_FIELDS = 40
"""Of the form that a file is sent with."""
_MOST_IN_FIELD = 10_000
"""Bytes of each."""
_DAY = {"cache-control": "private, max-age=86400"}


class Pages:
    """The pages of a library. A search keeps a core busy."""

    def __init__(self, library: SharedStore, most_bytes: int) -> None:
        self._library, self._most_bytes = library, most_bytes
        self._searches = RequestQueue(cores())
        self._sent = 0
        self._files = RequestQueue(1)  # encoders use every core
        self._loading = RequestQueue(1)
        self._drawing = RequestQueue(1)  # cached pages are answered immediately
        self._atlases = RequestQueue(1)  # the first takes half a minute; let others not wait for it

    async def titles(self, request: Request) -> Response:
        """All titles."""
        return HTMLResponse(await self._drawing.take(request, self._library.titles))

    async def title(self, request: Request) -> Response:
        """One."""
        make = partial(self._library.title, request.path_params["title"])
        return HTMLResponse(await self._drawing.take(request, make))

    async def atlas(self, request: Request) -> Response:
        """All shots."""
        return HTMLResponse(await self._atlases.take(request, self._library.atlas))

    async def report(self, request: Request) -> Response:
        """Evaluation page."""
        make = partial(self._library.report, request.query_params)
        return HTMLResponse(await self._drawing.take(request, make))

    async def find(self, request: Request) -> Response:
        """The page of a search, or where that is."""
        values = dict(request.query_params)
        _check_sent(values)
        if "q" in values:  # what is typed may be the name of a shot
            meant = await self._searches.take(request, partial(self._library.meant, values))
            return RedirectResponse(meant.address, 303)
        query = query_of_address(values)
        if query.text is not None:
            await self._loading.take(request, self._library.load)
        search = partial(self._library.search, query)
        return HTMLResponse(await self._searches.take(request, search))

    async def find_file(self, request: Request) -> Response:
        """The page of a search by a file that is sent."""
        sized = bounded(request, self._most_bytes)
        async with self._place_for_file(), _received(sized) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile) or not sent.filename:
                raise InvalidInput("no file was chosen; choose a picture, a sound or a video")
            values = {n: v for n, v in form.items() if isinstance(v, str)}
            search = partial(_search_file, self._library, sent.file, Path(sent.filename), values)
            return HTMLResponse(await self._files.take(sized, search))

    @asynccontextmanager
    async def _place_for_file(self) -> AsyncIterator[None]:
        """Held while a file is there. Raises HTTPException if there are too many."""
        if self._sent >= _MOST_SENT:
            raise HTTPException(503, f"{_MOST_SENT} files are being searched by; try again later")
        self._sent += 1
        try:
            yield
        finally:
            self._sent -= 1

    def media(self, request: Request) -> Response:
        """The film of a title."""
        film = self._library.film(request.path_params["title"])
        kind, _ = mimetypes.guess_type(film.name)
        known = kind if kind and kind.startswith("video/") else "application/octet-stream"
        return FileResponse(film, media_type=known)

    def thumbnail(self, request: Request) -> Response:
        """The picture of a shot. An address that says of which revision leads to no other."""
        jpeg = self._library.picture(request.path_params["shot"])
        kept = _DAY if "of" in request.query_params else {}
        return Response(jpeg, media_type="image/jpeg", headers=kept)


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[FormData]:
    """The form that is sent with a file; what was put down of it goes with it."""
    try:
        form = await request.form(
            max_files=1, max_fields=_MOST_FIELDS, max_part_size=_MOST_IN_FIELD
        )
    except UnicodeError as error:
        raise InvalidInput("the form is in an encoding that cannot be read; send UTF-8") from error
    try:
        yield form
    finally:
        await form.close()


def _check_sent(values: Mapping[str, str]) -> None:
    """Raise InvalidInput if a file was chosen, but only its name came with the form."""
    if name := values.get("file"):
        raise InvalidInput(f"{name!r} was not sent; press “Search by file”, which sends it")


def _search_file(
    library: SharedStore, sent: BinaryIO, called: Path, values: Mapping[str, str]
) -> str:
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
            raise InvalidInput(str(error).replace(str(file), called.name)) from error
