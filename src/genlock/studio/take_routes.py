"""Requests about takes: what was made of a file, to be seen and heard beside it, kept or thrown away."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from genlock.studio.answers import (
    NEVER,
    PIECE_SECONDS,
    Ident,
    Number,
    json_answer,
    preview_answer,
    sound_answer,
    tile_answer,
)
from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.takes import Take, Takes
from genlock.tasks.prepare_timeline import TimelineClip, open_timeline

__all__ = ["take_routes"]

TakeName = Annotated[str, InPath(pattern=r"^[0-9]{1,15}(-[0-9]{1,3})?$")]


def take_routes(folder: StudioFolder, takes: Takes) -> APIRouter:
    """The requests below ``/api/files/{ident}/takes``."""
    router = APIRouter(prefix="/api/files/{ident}/takes")

    def clip(ident: str, take: str) -> TimelineClip:
        found = takes.take(folder.file(ident), take)
        if found.clip is None:
            raise NotThere("this take is neither a film nor a sound")
        return open_timeline(found.clip)

    @router.get("")
    def listed(ident: Ident) -> Response:
        file = folder.file(ident)
        return json_answer({"takes": [_told(take, file) for take in takes.of(file)]})

    @router.get("/{take}/preview")
    def preview(ident: Ident, take: TakeName) -> Response:
        return preview_answer(clip(ident, take))

    @router.get("/{take}/tiles/{track}/{level}/{number}")
    def tile(ident: Ident, take: TakeName, track: str, level: Number, number: Number) -> Response:
        return tile_answer(clip(ident, take), track, level, number)

    @router.get("/{take}/sound/{number}")
    def sound(ident: Ident, take: TakeName, number: Number) -> Response:
        return sound_answer(clip(ident, take), number)

    @router.get("/{take}/file")
    def file(ident: Ident, take: TakeName) -> Response:
        found = takes.take(folder.file(ident), take)
        name = "".join(c if c.isascii() and (c.isalnum() or c in " .-_") else "_" for c in found.output.name)
        headers = {**NEVER, "content-disposition": f'attachment; filename="{name}"'}
        return FileResponse(found.output, media_type="application/octet-stream", headers=headers)

    @router.post("/{take}/keep")
    def keep(ident: Ident, take: TakeName) -> Response:
        return json_answer({"name": takes.keep(folder.file(ident), take)})

    @router.delete("/{take}")
    def remove(ident: Ident, take: TakeName) -> Response:
        takes.remove(folder.file(ident), take)
        return json_answer({"removed": take})

    return router


def _told(take: Take, file: MediaFile) -> dict[str, Any]:
    made_of_this = take.told.get("version") == file.version
    clip = None if take.clip is None else open_timeline(take.clip).to_dict()
    if clip is not None:
        del clip["media"]  # where it lay while it was made is nobody's business
    return {**take.to_dict(), "stale": not made_of_this, "clip": clip, "piece_seconds": PIECE_SECONDS}
