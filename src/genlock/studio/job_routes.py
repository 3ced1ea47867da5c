"""Requests about jobs: asked for, looked at, cancelled; and the form of each kind."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import Response

from genlock.core.errors import OptionError
from genlock.studio.answers import Number, json_answer
from genlock.studio.folder import NotThere
from genlock.studio.jobs.every_kind import KINDS
from genlock.studio.shared import Studio

__all__ = ["job_routes"]


def job_routes(studio: Studio) -> APIRouter:
    """Everything below ``/api/jobs``."""
    router = APIRouter(prefix="/api/jobs")

    @router.get("")
    def jobs(since: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
        """The jobs that changed after a number of change."""
        return json_answer({"jobs": [job.to_dict() for job in studio.jobs.changed_since(since)]})

    @router.get("/forms")
    def forms(kind: Annotated[str | None, Query(max_length=100)] = None) -> Response:
        """The form of a kind of job, or of all."""
        wanted = KINDS.values() if kind is None else [KINDS[kind]] if kind in KINDS else []
        told = [
            {
                "kind": each.name,
                "transcript": each.takes_transcript,
                "fields": [field.to_dict() for field in each.form(studio.folder)],
            }
            for each in wanted
        ]
        return json_answer({"forms": told})

    @router.post("")
    def ask(asked: Annotated[dict[str, Any], Body()]) -> Response:
        name, idents, options = asked.get("kind"), asked.get("files"), asked.get("options", {})
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise OptionError(f"{name!r} is no kind of job; there are: {', '.join(KINDS)}")
        if not isinstance(idents, list) or not isinstance(options, dict):
            raise OptionError("files is a list of numbers of files, and options an object")
        if not idents or not all(isinstance(each, str) for each in idents):
            raise NotThere("no file was named, or not by its number")
        kind.checked(studio.folder, options)
        found = [(each, kind.find(studio.folder, each)) for each in dict.fromkeys(idents)]
        numbers = [studio.jobs.add(kind.name, each, kind.title(one), options) for each, one in found]
        return json_answer({"jobs": numbers})

    @router.get("/{number}")
    def job(number: Number) -> Response:
        found = studio.jobs.job(number)
        lines = [{"at": at, "text": text} for at, text in studio.jobs.lines(number)]
        return json_answer({**found.to_dict(), "result": found.result, "lines": lines})

    @router.post("/{number}/cancel")
    def cancel(number: Number) -> Response:
        return json_answer(studio.jobs.stop(number).to_dict())

    return router
