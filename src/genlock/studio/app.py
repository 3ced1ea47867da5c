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
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse, Response

from genlock import __version__
from genlock.core.errors import FormatError, GenlockError, InputError, OptionError, OutputError
from genlock.core.json_forms import dump_json, read_json_file
from genlock.core.track_file import load_track
from genlock.report.arrays import curve_rows
from genlock.speech import write_words
from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.jobs.kinds import KINDS, clip_folder
from genlock.studio.jobs.queue import JobQueue
from genlock.studio.jobs.runner import JobRunner
from genlock.studio.library import Library
from genlock.studio.options import StudioOptions
from genlock.studio.stills import Stills
from genlock.studio.uploads import AlreadyThere, TooLarge, receive_upload, take_in
from genlock.studio.word_edits import Changed, WordEdits
from genlock.tasks import TimelineClip, open_timeline

__all__ = ["Studio", "make_app"]

Ident = Annotated[str, InPath(pattern="^[0-9a-f]{16}$")]
Number = Annotated[int, InPath(ge=0, le=2**53)]
#: Seconds of a piece of sound.
PIECE_SECONDS = 2
_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}  # addresses that name a version
_NEVER = {"cache-control": "no-store"}
_KEPT_CLIPS = 8  # what is known of as many clips stays in memory; their rows never do
_LARGEST_SIDE = 4096
_MOST_JSON_BYTES = 20_000_000
_WORD_ENDINGS = {"srt": ".srt", "vtt": ".vtt", "textgrid": ".TextGrid", "ctm": ".ctm", "json": ".json"}
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
    for router in (_files(studio), _clips(studio), _words(studio), _jobs(studio), _pages()):
        app.include_router(router)
    return app


async def _told(request: Request, error: Exception) -> JSONResponse:
    """An error of ours, for the person at the page."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"error": str(error)}, status, headers=_NEVER)


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


def _json(told: Any) -> Response:
    """JSON of ours: exact numbers as text, no NaN."""
    return Response(dump_json(told), media_type="application/json", headers=_NEVER)


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
        return FileResponse(served["static"] / "index.html", media_type="text/html", headers=_NEVER)

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
        return _json({**studio.library.listing(), "version": __version__})

    @router.get("/files/{ident}/facts")
    def facts(ident: Ident) -> Response:
        return _json(studio.library.facts(studio.folder.file(ident)))

    @router.get("/files/{ident}/thumbnail")
    def thumbnail(ident: Ident) -> Response:
        data = studio.library.thumbnail(studio.folder.file(ident))
        return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    @router.get("/files/{ident}/sync")
    def sync(ident: Ident) -> Response:
        file = studio.folder.file(ident)
        return _json({"sync": studio.library.sync(file), "picture": studio.library.has_sync_picture(file)})

    @router.get("/files/{ident}/sync.svg")
    def sync_picture(ident: Ident) -> Response:
        path = studio.library.sync_picture(studio.folder.file(ident))
        return FileResponse(path, media_type="image/svg+xml", headers=_NEVER)

    @router.put("/uploads/{name}")
    async def upload(name: str, request: Request) -> Response:
        stated = request.headers.get("content-length")
        size = int(stated) if stated is not None and stated.isdigit() else None
        part = await receive_upload(
            studio.folder, name, size, request.stream(), studio.options.largest_upload
        )
        await run_in_threadpool(take_in, studio.folder, part, name)
        return _json({"name": name})

    return router


# ---------------------------------------------------------------- one clip on the timeline


def _clips(studio: Studio) -> APIRouter:
    router = APIRouter(prefix="/api/clips/{ident}")

    @router.get("")
    def clip(ident: Ident) -> Response:
        file = studio.folder.file(ident)
        if not clip_folder(studio.folder, file).is_dir():
            return _json({"id": ident, "name": file.name, "opened": False})
        found = studio.clip(file)
        curves = [{"name": name} for name in _curves(file)]
        return _json(
            {
                **found.to_dict(),
                "id": ident,
                "name": file.name,
                "opened": True,
                "version": file.version,
                "piece_seconds": PIECE_SECONDS,
                "curves": curves,
                "sync": studio.library.sync(file),
            }
        )

    @router.get("/preview")
    def preview(ident: Ident, v: str = "") -> Response:
        found = studio.clip(studio.folder.file(ident))
        if found.preview is None:
            raise NotThere("there is no copy that a browser plays")
        kind = found.facts["preview"]["mime"]
        return FileResponse(found.preview, media_type=kind, headers={"cache-control": "private, no-cache"})

    @router.get("/source")
    def source(ident: Ident, v: str = "") -> Response:
        """The film itself, of which a browser that decodes it takes single frames."""
        path = studio.folder.file(ident).path
        return FileResponse(path, media_type="application/octet-stream", headers=_NEVER)

    @router.get("/frames/{number}")
    def frame(
        ident: Ident, number: Number, side: Annotated[int, Query(ge=16, le=_LARGEST_SIDE)] = 1280, v: str = ""
    ) -> Response:
        file = studio.folder.file(ident)
        found = studio.clip(file)
        if found.frames is None:
            raise NotThere("there is no picture")
        data = studio.stills.jpeg(file, found.frames, found.frame_count, number, side)
        return Response(data, media_type="image/jpeg", headers=_FOREVER)

    @router.get("/tiles/{track}/{level}/{number}")
    def tile(ident: Ident, track: str, level: Number, number: Number, v: str = "") -> Response:
        found = studio.clip(studio.folder.file(ident))
        pyramid = {"waveform": found.waveform, "spectrogram": found.spectrogram}.get(track)
        if pyramid is None:
            raise NotThere(f"there is no track {track!r} with tiles")
        try:
            data = pyramid.tile(level, number)
        except InputError as error:
            raise NotThere(str(error)) from error
        return Response(data, media_type="application/octet-stream", headers=_FOREVER)

    @router.get("/curves/{name}")
    def curve(ident: Ident, name: str) -> Response:
        path = _curves(studio.folder.file(ident)).get(name)
        if path is None:
            raise NotThere(f"there is no curve {name!r}")
        rows = curve_rows(load_track(path))
        told = {**rows.facts, "values": list(rows.data)}
        return _json(told)

    @router.get("/sound/{number}")
    def sound(ident: Ident, number: Number, v: str = "") -> Response:
        found = studio.clip(studio.folder.file(ident))
        if found.sound is None:
            raise NotThere("there is no sound")
        try:
            data = found.sound.piece(number, PIECE_SECONDS)
        except InputError as error:
            raise NotThere(str(error)) from error
        return Response(data, media_type="application/octet-stream", headers=_FOREVER)

    return router


def _curves(file: MediaFile) -> dict[str, Path]:
    """The tracks of one value a cell in a file's results, by name. Told by the summary: no track is read for it."""
    try:
        told = read_json_file(file.results / "summary.json").get("tracks", [])
    except FormatError:
        return {}  # there is no result yet, or it is damaged, which the next align mends
    found = {}
    for track in told:
        path = file.results / "tracks" / Path(str(track.get("path", ""))).name
        if len(track.get("shape", ())) == 1 and path.is_file():
            found[path.stem] = path
    return found


# ---------------------------------------------------------------- words


def _words(studio: Studio) -> APIRouter:
    router = APIRouter(prefix="/api/clips/{ident}/words")

    @router.get("")
    def words(ident: Ident) -> Response:
        return _json(studio.words.document(studio.folder.file(ident)))

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
        return _json({"revision": studio.words.splice(file, revision, at, count, fresh)})

    @router.delete("")
    def take_result(ident: Ident) -> Response:
        file = studio.folder.file(ident)
        studio.words.take_result(file)
        return _json(studio.words.document(file))

    @router.get("/export/{form}")
    def export(ident: Ident, form: str) -> Response:
        file = studio.folder.file(ident)
        ending = _WORD_ENDINGS.get(form.lower())
        if ending is None:
            raise NotThere(f"words are not written as {form!r}; there are: {', '.join(_WORD_ENDINGS)}")
        with tempfile.TemporaryDirectory() as place:
            target = Path(place) / f"{Path(file.name).stem}{ending}"
            write_words(studio.words.words(file), target)
            data = target.read_bytes()
        plain = "".join(c if c.isascii() and (c.isalnum() or c in " .-_") else "_" for c in target.name)
        return Response(
            data,
            media_type="application/octet-stream",
            headers={**_NEVER, "content-disposition": f'attachment; filename="{plain}"'},
        )

    return router


# ---------------------------------------------------------------- jobs


def _jobs(studio: Studio) -> APIRouter:
    router = APIRouter(prefix="/api/jobs")

    @router.get("")
    def jobs(since: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
        """The jobs that changed after a number of change."""
        return _json({"jobs": [job.to_dict() for job in studio.jobs.changed_since(since)]})

    @router.get("/forms")
    def forms() -> Response:
        told = [
            {
                "kind": kind.name,
                "transcript": kind.takes_transcript,
                "fields": [field.to_dict() for field in kind.form],
            }
            for kind in KINDS.values()
        ]
        return _json({"forms": told})

    @router.post("")
    def ask(asked: Annotated[dict[str, Any], Body()]) -> Response:
        name, idents, options = asked.get("kind"), asked.get("files"), asked.get("options", {})
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise OptionError(f"{name!r} is no kind of job; there are: {', '.join(KINDS)}")
        if not isinstance(idents, list) or not isinstance(options, dict):
            raise OptionError("files is a list of numbers of files, and options an object")
        kind.checked(options)
        there = {file.ident: file for file in studio.folder.files()[0]}
        missing = [each for each in idents if not isinstance(each, str) or each not in there]
        if missing or not idents:
            raise NotThere(f"there is no file {missing[0]!r}" if missing else "no file was named")
        return _json(
            {"jobs": [studio.jobs.add(kind.name, each, there[each].name, options) for each in idents]}
        )

    @router.get("/{number}")
    def job(number: Number) -> Response:
        found = studio.jobs.job(number)
        lines = [{"at": at, "text": text} for at, text in studio.jobs.lines(number)]
        return _json({**found.to_dict(), "result": found.result, "lines": lines})

    @router.post("/{number}/cancel")
    def cancel(number: Number) -> Response:
        return _json(studio.jobs.stop(number).to_dict())

    return router


def described(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The OpenAPI description of the requests, for whoever wants to call them by a program."""
    return make_app(Studio(StudioFolder(folder), StudioOptions())).openapi()
