"""The page itself: its modules, styles and texts, at addresses that change with them."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response

from genlock.studio.answers import FOREVER, NEVER

__all__ = ["page_routes"]

_KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


def page_routes() -> APIRouter:
    """The index, and every part by its name; below ``/v/STAMP`` browsers keep them as long as they stay the same."""
    router = APIRouter(include_in_schema=False)
    served = {
        "static": Path(str(files("genlock.studio") / "static")),
        "page": Path(str(files("genlock.report") / "page")),
    }
    known = {
        f"{part}/{path.relative_to(root).as_posix()}": path
        for part, root in served.items()
        for path in sorted(root.rglob("*"))
        if path.suffix in _KINDS
    }

    @router.get("/")
    def index() -> Response:
        text = (served["static"] / "index.html").read_text(encoding="utf-8")
        place = f"/v/{_stamp(known)}"
        for part in served:
            text = text.replace(f'"/{part}/', f'"{place}/{part}/')
        return Response(text, media_type="text/html", headers=NEVER)

    @router.get("/favicon.ico")
    def icon() -> Response:
        return FileResponse(served["static"] / "icon.svg", media_type="image/svg+xml")

    @router.get("/v/{stamp}/{part}/{name:path}")
    def kept(stamp: str, part: str, name: str) -> Response:
        # A page that was open while the program changed asks for what is no more: it gets what is, unkept.
        return answer(part, name, FOREVER if stamp == _stamp(known) else {"cache-control": "no-cache"})

    @router.get("/{part}/{name:path}")
    def part(part: str, name: str) -> Response:
        return answer(part, name, {"cache-control": "no-cache"})

    def answer(part: str, name: str, headers: dict[str, str]) -> Response:
        path = known.get(f"{part}/{name}")
        if path is None:
            return JSONResponse({"error": "there is no such page"}, 404)
        return FileResponse(path, media_type=_KINDS[path.suffix], headers=headers)

    return router


def _stamp(known: dict[str, Path]) -> str:
    """Changes whenever a part of the page does."""
    states = [
        (name, state.st_mtime_ns, state.st_size) for name, path in known.items() for state in (path.stat(),)
    ]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:12]
