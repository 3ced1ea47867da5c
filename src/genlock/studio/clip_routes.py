"""Requests about one clip on the timeline: what it is, its copy, frames, tiles and pieces of sound."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response

from genlock.studio.answers import (
    FOREVER,
    NEVER,
    PIECE_SECONDS,
    Ident,
    Number,
    json_answer,
    preview_answer,
    sound_answer,
    tile_answer,
)
from genlock.studio.folder import NotThere
from genlock.studio.jobs.kinds import clip_folder
from genlock.studio.shared import Studio

__all__ = ["clip_routes"]

_LARGEST_SIDE = 4096


def clip_routes(studio: Studio) -> APIRouter:
    """Everything below ``/api/clips/IDENT`` but its words and lanes."""
    router = APIRouter(prefix="/api/clips/{ident}")

    @router.get("")
    def clip(ident: Ident) -> Response:
        file = studio.folder.file(ident)
        if not clip_folder(studio.folder, file).is_dir():
            return json_answer({"id": ident, "name": file.name, "opened": False})
        found = studio.clip(file)
        return json_answer(
            {
                **found.to_dict(),
                "id": ident,
                "name": file.name,
                "opened": True,
                "version": file.version,
                "piece_seconds": PIECE_SECONDS,
                "lanes": studio.lanes.listing(file),
                "sync": studio.library.sync(file),
                "picture_codecs": studio.library.facts(file)["picture_codecs"],
            }
        )

    @router.get("/preview")
    def preview(ident: Ident, v: str = "") -> Response:
        return preview_answer(studio.clip(studio.folder.file(ident)))

    @router.get("/source")
    def source(ident: Ident, v: str = "") -> Response:
        """The film itself, of which a browser that decodes it takes single frames."""
        path = studio.folder.file(ident).path
        return FileResponse(path, media_type="application/octet-stream", headers=NEVER)

    @router.get("/frames/{number}")
    def frame(
        ident: Ident, number: Number, side: Annotated[int, Query(ge=16, le=_LARGEST_SIDE)] = 1280, v: str = ""
    ) -> Response:
        file = studio.folder.file(ident)
        found = studio.clip(file)
        if found.frames is None:
            raise NotThere("there is no picture")
        data = studio.stills.jpeg(file, found.frames, found.frame_count, number, side)
        return Response(data, media_type="image/jpeg", headers=FOREVER)

    @router.get("/tiles/{track}/{level}/{number}")
    def tile(ident: Ident, track: str, level: Number, number: Number, v: str = "") -> Response:
        return tile_answer(studio.clip(studio.folder.file(ident)), track, level, number)

    @router.get("/sound/{number}")
    def sound(ident: Ident, number: Number, v: str = "") -> Response:
        return sound_answer(studio.clip(studio.folder.file(ident)), number)

    return router
