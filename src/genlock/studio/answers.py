"""What the requests of the page have in common: how a file is called in an address, how an answer is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from genlock.core.errors import InputError
from genlock.core.json_forms import dump_json
from genlock.report.pyramid import Pyramid
from genlock.studio.folder import NotThere
from genlock.tasks.prepare_timeline import TimelineClip

__all__ = [
    "FOREVER",
    "NEVER",
    "PIECE_SECONDS",
    "Ident",
    "Number",
    "json_answer",
    "preview_answer",
    "sound_answer",
    "tile_answer",
]

Ident = Annotated[str, InPath(pattern="^[0-9a-f]{16}$")]
Number = Annotated[int, InPath(ge=0, le=2**53)]
#: Of addresses that name a version.
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
NEVER = {"cache-control": "no-store"}
#: Seconds of a piece of sound.
PIECE_SECONDS = 2


def json_answer(told: Mapping[str, Any]) -> Response:
    """JSON of ours: exact numbers as text, no NaN."""
    return Response(dump_json(told), media_type="application/json", headers=NEVER)


def tile_answer(clip: TimelineClip, track: str, level: int, number: int) -> Response:
    """A tile of a clip's rows. Raises NotThere."""
    pyramid: Pyramid | None = {"waveform": clip.waveform, "spectrogram": clip.spectrogram}.get(track)
    if pyramid is None:
        raise NotThere(f"there is no track {track!r} with tiles")
    try:
        data = pyramid.tile(level, number)
    except InputError as error:
        raise NotThere(str(error)) from error
    return Response(data, media_type="application/octet-stream", headers=FOREVER)


def sound_answer(clip: TimelineClip, number: int) -> Response:
    """A piece of a clip's sound. Raises NotThere."""
    if clip.sound is None:
        raise NotThere("there is no sound")
    try:
        data = clip.sound.piece(number, PIECE_SECONDS)
    except InputError as error:
        raise NotThere(str(error)) from error
    return Response(data, media_type="application/octet-stream", headers=FOREVER)


def preview_answer(clip: TimelineClip) -> Response:
    """The copy of a clip that browsers play. Raises NotThere."""
    if clip.preview is None:
        raise NotThere("there is no copy that a browser plays")
    kind = clip.facts["preview"]["mime"]
    return FileResponse(clip.preview, media_type=kind, headers={"cache-control": "private, no-cache"})
