"""The requests of the timeline's lanes: which there are, their tiles, their spans."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import Response

from genlock.core.errors import InputError
from genlock.studio.answers import FOREVER, Ident, Number, json_answer
from genlock.studio.folder import MediaFile, NotThere
from genlock.studio.lanes import FileLanes

__all__ = ["lane_routes"]


def lane_routes(lanes: FileLanes, file_of: Callable[[str], MediaFile]) -> APIRouter:
    """Requests under ``/api/clips/ID/lanes``; ``file_of`` finds a file by its number."""
    router = APIRouter(prefix="/api/clips/{ident}/lanes")

    @router.get("")
    def listing(ident: Ident) -> Response:
        return json_answer({"lanes": lanes.listing(file_of(ident))})

    @router.get("/spans/{name}")
    def spans(ident: Ident, name: str) -> Response:
        return json_answer(lanes.spans(file_of(ident), name))

    @router.get("/track/{name}")
    def track(ident: Ident, name: str) -> Response:
        pyramid, version = lanes.tiles(file_of(ident), name)
        return json_answer({**pyramid.to_dict(), "version": version})

    @router.get("/track/{name}/{level}/{number}")
    def tile(ident: Ident, name: str, level: Number, number: Number, v: str = "") -> Response:
        try:
            data = lanes.tiles(file_of(ident), name)[0].tile(level, number)
        except InputError as error:
            raise NotThere(str(error)) from error
        return Response(data, media_type="application/octet-stream", headers=FOREVER)

    return router
