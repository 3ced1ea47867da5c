"""The application: every request of the page, how errors are told, and how large a request may be."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from genlock import __version__
from genlock.core.errors import GenlockError, InputError, OutputError
from genlock.studio.answers import NEVER
from genlock.studio.clip_routes import clip_routes
from genlock.studio.file_routes import file_routes
from genlock.studio.folder import NotThere, StudioFolder
from genlock.studio.job_routes import job_routes
from genlock.studio.lane_routes import lane_routes
from genlock.studio.options import StudioOptions
from genlock.studio.page_routes import page_routes
from genlock.studio.shared import Studio
from genlock.studio.shelf_routes import shelf_routes
from genlock.studio.take_routes import take_routes
from genlock.studio.uploads import AlreadyThere, TooLarge
from genlock.studio.word_edits import Changed
from genlock.studio.word_routes import word_routes

__all__ = ["Studio", "make_app"]

_MOST_JSON_BYTES = 20_000_000
_STATUS: tuple[tuple[type[GenlockError], int], ...] = (
    (NotThere, 404),
    (TooLarge, 413),
    (AlreadyThere, 409),
    (Changed, 409),
    (InputError, 422),
    (OutputError, 507),
)


def make_app(studio: Studio) -> FastAPI:
    """The application; whoever serves it puts :class:`genlock.studio.guard.Guard` before it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        studio.runner.start()
        yield
        await run_in_threadpool(studio.runner.close)

    app = FastAPI(
        title="genlock studio",
        version=__version__,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_exception_handler(GenlockError, _told)
    app.middleware("http")(_small_bodies)
    for routes in (file_routes, clip_routes, word_routes, job_routes):
        app.include_router(routes(studio))
    app.include_router(lane_routes(studio.lanes, studio.folder.file))
    app.include_router(take_routes(studio.folder, studio.takes))
    app.include_router(shelf_routes(studio.shelf))
    app.include_router(page_routes())
    return app


async def _told(request: Request, error: Exception) -> JSONResponse:
    """An error of ours, for the person at the page."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"error": str(error)}, status, headers=NEVER)


async def _small_bodies(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Only uploads are large. Anything else must say how long it is, and be short."""
    if request.method in ("POST", "DELETE") or (request.method == "PUT" and not _is_upload(request)):
        length = request.headers.get("content-length", "")
        chunked = "transfer-encoding" in request.headers
        if chunked or (length and (not length.isdigit() or int(length) > _MOST_JSON_BYTES)):
            return JSONResponse({"error": "this is more than a request of this kind holds"}, 413)
    return await call_next(request)


def _is_upload(request: Request) -> bool:
    return request.url.path.startswith("/api/uploads/")


def described(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The OpenAPI description of the requests, for whoever wants to call them by a program."""
    return make_app(Studio(StudioFolder(folder), StudioOptions())).openapi()
