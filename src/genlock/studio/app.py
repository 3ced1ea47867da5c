"""The requests that the page makes: what each needs is looked up, one thing is asked, the answer is sent."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse, Response

from genlock import __version__
from genlock.core.errors import GenlockError, InputError, OptionError, OutputError
from genlock.speech import write_words
from genlock.speech.subtitles import FORMS
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
from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.jobs.every_kind import KINDS
from genlock.studio.jobs.kinds import clip_folder
from genlock.studio.jobs.queue import JobQueue
from genlock.studio.jobs.runner import JobRunner
from genlock.studio.lane_routes import lane_routes
from genlock.studio.lanes import FileLanes
from genlock.studio.library import Library
from genlock.studio.options import StudioOptions
from genlock.studio.shelf import Shelf
from genlock.studio.shelf_routes import shelf_routes
from genlock.studio.stills import Stills
from genlock.studio.take_routes import take_routes
from genlock.studio.takes import Takes
from genlock.studio.uploads import AlreadyThere, TooLarge, receive_upload, take_in
from genlock.studio.word_edits import Changed, WordEdits
from genlock.tasks import TimelineClip, open_timeline

__all__ = ["Studio", "make_app"]

_KEPT_CLIPS = 8  # what is known of as many clips stays in memory; their rows never do
_LARGEST_SIDE = 4096
_MOST_JSON_BYTES = 20_000_000
_WORD_ENDINGS = {ending[1:].lower(): ending for ending in FORMS}
_STATUS: tuple[tuple[type[GenlockError], int], ...] = (
    (NotThere, 404),
    (TooLarge, 413),
    (AlreadyThere, 409),
    (Changed, 409),
    (InputError, 422),
    (OutputError, 507),
)


class Studio:
    """Everything that the requests share."""

    def __init__(self, folder: StudioFolder, options: StudioOptions) -> None:
        self.folder, self.options = folder, options
        self.jobs = JobQueue(folder.own / "jobs.sqlite")
        self.runner = JobRunner(folder, self.jobs, options.workers)
        self.stills = Stills()
        self.library = Library(folder, self.stills)
        self.words = WordEdits(folder)
        self.lanes = FileLanes(folder)
        self.takes = Takes(folder)
        self.shelf = Shelf(folder)
        self._clips: OrderedDict[Path, TimelineClip] = OrderedDict()
        self._lock = threading.Lock()

    def clip(self, file: MediaFile) -> TimelineClip:
        """The timeline of a file. Raises NotThere if it was not prepared yet."""
        place = clip_folder(self.folder, file)
        if not place.is_dir():
            raise NotThere(f"{file.name!r} was not opened yet: ask for the job 'open'")
        with self._lock:
            known = self._clips.get(place)
            if known is None:
                known = self._clips[place] = open_timeline(place)
            self._clips.move_to_end(place)
            while len(self._clips) > _KEPT_CLIPS:
                self._clips.popitem(last=False)
        return known


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
    for router in (_files(studio), _clips(studio), _words(studio), _jobs(studio)):
        app.include_router(router)
    app.include_router(lane_routes(studio.lanes, studio.folder.file))
    app.include_router(take_routes(studio.folder, studio.takes))
    app.include_router(shelf_routes(studio.shelf))
    app.include_router(_pages())
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


# ---------------------------------------------------------------- the page


def _pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    served = {
        "static": Path(str(files("genlock.studio") / "static")),
        "page": Path(str(files("genlock.report") / "page")),
    }
    kinds = {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".txt": "text/plain",
    }
    known = {
        f"{part}/{path.relative_to(root).as_posix()}": path
        for part, root in served.items()
        for path in root.rglob("*")
        if path.suffix in kinds
    }

    @router.get("/")
    def index() -> Response:
        return FileResponse(served["static"] / "index.html", media_type="text/html", headers=NEVER)

    @router.get("/favicon.ico")
    def icon() -> Response:
        return FileResponse(served["static"] / "icon.svg", media_type="image/svg+xml")

    @router.get("/{part}/{name:path}")
    def part(part: str, name: str) -> Response:
        path = known.get(f"{part}/{name}")
        if path is None:
            return JSONResponse({"error": "there is no such page"}, 404)
        return FileResponse(path, media_type=kinds[path.suffix], headers={"cache-control": "no-cache"})

    return router


# ---------------------------------------------------------------- files


def _files(studio: Studio) -> APIRouter:
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


# ---------------------------------------------------------------- one clip on the timeline


def _clips(studio: Studio) -> APIRouter:
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


# ---------------------------------------------------------------- words


def _words(studio: Studio) -> APIRouter:
    router = APIRouter(prefix="/api/clips/{ident}/words")

    @router.get("")
    def words(ident: Ident) -> Response:
        return json_answer(studio.words.document(studio.folder.file(ident)))

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


# ---------------------------------------------------------------- jobs


def _jobs(studio: Studio) -> APIRouter:
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


def described(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The OpenAPI description of the requests, for whoever wants to call them by a program."""
    return make_app(Studio(StudioFolder(folder), StudioOptions())).openapi()
