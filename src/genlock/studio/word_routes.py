"""Requests about the words of a clip: read, corrected, as subtitles, exported."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import Response

from genlock.core.errors import OptionError
from genlock.speech import write_words
from genlock.speech.subtitles import FORMS
from genlock.studio.answers import NEVER, Ident, json_answer
from genlock.studio.folder import NotThere
from genlock.studio.shared import Studio

__all__ = ["word_routes"]

_WORD_ENDINGS = {ending[1:].lower(): ending for ending in FORMS}


def word_routes(studio: Studio) -> APIRouter:
    """Everything below ``/api/clips/IDENT/words``."""
    router = APIRouter(prefix="/api/clips/{ident}/words")

    @router.get("")
    def words(ident: Ident) -> Response:
        return json_answer(studio.words.document(studio.folder.file(ident)))

    @router.get("/columns")
    def columns(ident: Ident) -> Response:
        """The same, each property of all words as one list: of two hours a third of the bytes."""
        data = studio.words.columns(studio.folder.file(ident))
        return Response(data, media_type="application/json", headers=NEVER)

    @router.post("")
    def splice(ident: Ident, asked: Annotated[dict[str, Any], Body()]) -> Response:
        numbers = [asked.get(name) for name in ("revision", "at", "count")]
        fresh = asked.get("words")
        if any(isinstance(each, bool) or not isinstance(each, int) for each in numbers):
            raise OptionError("revision, at and count are whole numbers")
        if not isinstance(fresh, list) or not all(isinstance(each, dict) for each in fresh):
            raise OptionError("words is a list of words")
        revision, at, count = (int(each or 0) for each in numbers)
        file = studio.folder.file(ident)
        return json_answer({"revision": studio.words.splice(file, revision, at, count, fresh)})

    @router.delete("")
    def take_result(ident: Ident) -> Response:
        file = studio.folder.file(ident)
        studio.words.take_result(file)
        return json_answer(studio.words.document(file))

    @router.get("/cues")
    def cues(ident: Ident) -> Response:
        return json_answer(studio.words.cues(studio.folder.file(ident)))

    @router.get("/export/{form}")
    def export(ident: Ident, form: str) -> Response:
        file = studio.folder.file(ident)
        ending = _WORD_ENDINGS.get(form.lower())
        if ending is None:
            raise NotThere(f"words are not written as {form!r}; there are: {', '.join(_WORD_ENDINGS)}")
        with tempfile.TemporaryDirectory() as place:
            target = Path(place) / f"{Path(file.name).stem}{ending}"
            write_words(studio.words.words(file), target, film=file.path.name)
            data = target.read_bytes()
        plain = "".join(c if c.isascii() and (c.isalnum() or c in " .-_") else "_" for c in target.name)
        return Response(
            data,
            media_type="application/octet-stream",
            headers={**NEVER, "content-disposition": f'attachment; filename="{plain}"'},
        )

    return router
