"""Requests about models, datasets and training runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from genlock.studio.answers import NEVER, Ident, json_answer
from genlock.studio.dataset_view import clip_of, clips_of, facts_of, output_of
from genlock.studio.folder import NotThere
from genlock.studio.model_view import card_of, models_told
from genlock.studio.output_rows import output_rows, output_strip
from genlock.studio.run_view import SAMPLES, curves_of, run_facts, sample_of
from genlock.studio.shelf import Shelf

__all__ = ["shelf_routes"]

Named = Annotated[str, InPath(min_length=1, max_length=300)]
_FILMS = {".mp4": "video/mp4", ".wav": "audio/wav"}


def shelf_routes(shelf: Shelf) -> APIRouter:
    """The requests of the screen *Models and data*."""
    router = APIRouter(prefix="/api")
    _models(router)
    _datasets(router, shelf)
    _runs(router, shelf)
    return router


def _models(router: APIRouter) -> None:
    @router.get("/models")
    def models() -> Response:
        return json_answer({"models": models_told()})

    @router.get("/models/{name}/card")
    def card(name: Named) -> Response:
        return json_answer({"text": card_of(name)})


def _datasets(router: APIRouter, shelf: Shelf) -> None:
    @router.get("/datasets")
    def datasets() -> Response:
        told = [{"id": each.ident, "name": each.name, **facts_of(each.path)} for each in shelf.datasets()]
        return json_answer({"datasets": [{**each, "quarantined": []} for each in told]})

    @router.get("/datasets/{ident}")
    def dataset(ident: Ident) -> Response:
        found = shelf.dataset(ident)
        return json_answer({"id": ident, "name": found.name, **facts_of(found.path)})

    @router.get("/datasets/{ident}/clips")
    def clips(
        ident: Ident,
        first: Annotated[int, Query(ge=0, le=2**40)] = 0,
        most: Annotated[int, Query(ge=1, le=500)] = 50,
        text: Annotated[str, Query(max_length=300)] = "",
    ) -> Response:
        return json_answer(clips_of(shelf.dataset(ident).path, first, most, text))

    @router.get("/datasets/{ident}/clips/{name}")
    def clip(ident: Ident, name: Named) -> Response:
        return json_answer(clip_of(shelf.dataset(ident).path, name))

    @router.get("/datasets/{ident}/clips/{name}/outputs/{kind}")
    def output(ident: Ident, name: Named, kind: Named) -> Response:
        place = shelf.dataset(ident).path
        row = clip_of(place, name)
        return json_answer(output_rows(place, output_of(row, kind), str(row["clock"])))

    @router.get("/datasets/{ident}/clips/{name}/outputs/{kind}/strip")
    def strip(ident: Ident, name: Named, kind: Named) -> Response:
        place = shelf.dataset(ident).path
        row = clip_of(place, name)
        data = output_strip(place, output_of(row, kind), str(row["clock"]))
        return Response(data, media_type="image/jpeg", headers=NEVER)

    @router.get("/datasets/{ident}/clips/{name}/outputs/{kind}/media")
    def media(ident: Ident, name: Named, kind: Named) -> Response:
        place = shelf.dataset(ident).path
        path = place / str(output_of(clip_of(place, name), kind)["path"])
        if path.suffix not in _FILMS or not path.resolve().is_relative_to(place) or not path.is_file():
            raise NotThere(f"{kind!r} is nothing that a browser plays")
        return FileResponse(path, media_type=_FILMS[path.suffix], headers=NEVER)


def _runs(router: APIRouter, shelf: Shelf) -> None:
    @router.get("/runs")
    def runs() -> Response:
        told = [
            {"id": run.ident, "name": run.name, "recipe": run.recipe, "model": run.model is not None}
            for run in shelf.runs()
        ]
        return json_answer({"runs": told})

    @router.get("/runs/{ident}")
    def run(ident: Ident) -> Response:
        return json_answer({"id": ident, **run_facts(shelf.run(ident))})

    @router.get("/runs/{ident}/curves")
    def curves(ident: Ident) -> Response:
        return Response(curves_of(shelf.run(ident)), media_type="image/svg+xml", headers=NEVER)

    @router.get("/runs/{ident}/samples/{name:path}")
    def sample(ident: Ident, name: str) -> Response:
        path = sample_of(shelf.run(ident), name)
        return FileResponse(path, media_type=SAMPLES[path.suffix.lower()], headers=NEVER)
