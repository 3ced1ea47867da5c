"""Requests about the folder: its files, what was measured of them, and uploads."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from genlock import __version__
from genlock.studio.answers import NEVER, Ident, json_answer
from genlock.studio.shared import Studio
from genlock.studio.uploads import receive_upload, take_in

__all__ = ["file_routes"]


def file_routes(studio: Studio) -> APIRouter:
    """Everything below ``/api`` that is about the folder."""
    router = APIRouter(prefix="/api")

    @router.get("/library")
    def library() -> Response:
        return json_answer({**studio.library.listing(), "version": __version__})

    @router.get("/files/{ident}/facts")
    def facts(ident: Ident) -> Response:
        return json_answer(studio.library.facts(studio.folder.file(ident)))

    @router.get("/files/{ident}/thumbnail")
    def thumbnail(ident: Ident) -> Response:
        data = studio.library.thumbnail(studio.folder.file(ident))
        return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    @router.get("/files/{ident}/sync")
    def sync(ident: Ident) -> Response:
        file = studio.folder.file(ident)
        return json_answer(
            {"sync": studio.library.sync(file), "picture": studio.library.has_sync_picture(file)}
        )

    @router.get("/files/{ident}/sync.svg")
    def sync_picture(ident: Ident) -> Response:
        path = studio.library.sync_picture(studio.folder.file(ident))
        return FileResponse(path, media_type="image/svg+xml", headers=NEVER)

    @router.get("/files/{ident}/similarity")
    def similarity(ident: Ident) -> Response:
        """Similarity over lags, of each face and over time; null where it was not measured here."""
        return json_answer(studio.library.similarity(studio.folder.file(ident)))

    @router.put("/uploads/{name}")
    async def upload(name: str, request: Request) -> Response:
        stated = request.headers.get("content-length")
        size = int(stated) if stated is not None and stated.isdigit() else None
        part = await receive_upload(
            studio.folder, name, size, request.stream(), studio.options.largest_upload
        )
        await run_in_threadpool(take_in, studio.folder, part, name)
        return json_answer({"name": name})

    return router
