"""Put a report together: one file, everything inside it, nothing fetched from the network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from genlock.core.errors import OutputError
from genlock.core.files import atomic_path, write_bytes
from genlock.core.json_forms import dump_json
from genlock.core.track import Track
from genlock.lipsync.summary import mark_of
from genlock.report.arrays import Rows, base64_text, curve_rows, frame_rows, spectrogram_rows, waveform_rows
from genlock.report.content import OutputFile, ReportContent
from genlock.report.facts import facts_of, streams_of, timecode_of
from genlock.report.heard_offsets import heard_offsets
from genlock.report.seen_faces import FaceRows
from genlock.report.sync_plot import advice_on, sync_svg

__all__ = ["EMBED_UP_TO_BYTES", "WrittenReport", "write_report"]

#: A preview up to this size lies inside the page; a larger one beside it.
EMBED_UP_TO_BYTES = 24_000_000
#: The name of a preview that lies beside the page, without its ending.
PREVIEW_NAME = "preview"
#: The drawings of the offset, by the page they are for, and how wide they are in layout units: letters of 10 units are
#: to be read on both.
_DRAWINGS = {"wide": 600.0, "narrow": 350.0}

# The page's modules, each after those that it needs. They become one inline module.
_MODULES = (
    "data",
    "exact",
    "format",
    "colour",
    "player",
    "filmstrip",
    "faces",
    "twin_sound",
    "lanes",
    "lane_canvas",
    "timeline",
    "words",
    "word_editor",
    "border_tools",
    "word_files",
    "correcting",
    "panels",
    "sync_bar",
    "main",
)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class WrittenReport:
    """A report that was written."""

    path: Path
    """The page."""
    preview: Path | None
    """The preview beside it; None if it lies inside the page, or there is none."""
    size_bytes: int
    """Size of the page."""


def write_report(target: str | os.PathLike[str], content: ReportContent) -> WrittenReport:
    """Write the page, atomically.

    A preview of at most 24 MB is put inside; a larger one stays where it is if that is the page's own folder,
    else it is copied there as ``preview.mp4`` (or ``.webm``).

    Raises
    ------
    OutputError
        If the page or the preview beside it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = write_report(f"{folder}/report.html", ReportContent("a </script> in the title"))
    ...     text = report.path.read_text(encoding="utf-8")
    >>> "a </script> in" in text, report.preview is None
    (False, True)
    """
    page = Path(target)
    blobs: dict[str, str] = {}
    beside = _place_preview(page, content, blobs)
    data = _data_of(content, page.parent, blobs, beside)
    body = _page(content, data, blobs).encode("utf-8", errors="replace")
    write_bytes(page, body)
    return WrittenReport(page, beside, len(body))


def _place_preview(page: Path, content: ReportContent, blobs: dict[str, str]) -> Path | None:
    """Put the preview among the blobs, or beside the page; the path in the latter case."""
    preview = content.preview
    if preview is None:
        return None
    try:
        if preview.path.stat().st_size <= EMBED_UP_TO_BYTES:
            blobs["preview"] = base64_text(preview.path.read_bytes())
            return None
        if preview.path.resolve().parent == page.resolve().parent:
            return preview.path
    except OSError as error:
        raise OutputError(f"the preview {str(preview.path)!r} cannot be read: {error.strerror}") from error
    beside = page.parent / f"{PREVIEW_NAME}{preview.path.suffix or '.mp4'}"
    with atomic_path(beside) as temporary:
        shutil.copyfile(preview.path, temporary)
    return beside


def _data_of(
    content: ReportContent, folder: Path, blobs: dict[str, str], beside: Path | None
) -> dict[str, Any]:
    def rows(name: str, made: Rows) -> dict[str, Any]:
        blobs[name] = base64_text(made.data)
        return {"blob": name, **made.facts}

    def shown(name: str, track: Track | None, make: Callable[[Track], Rows]) -> dict[str, Any] | None:
        return rows(name, make(track)) if track is not None and len(track) else None

    start, end = content.span_seconds
    return {
        "title": content.title,
        "start": start,
        "end": end,
        "facts": facts_of(content),
        "sync": _sync(content),
        "streams": streams_of(content.media),
        "timecode": timecode_of(content.media),
        "frames": None if content.frame_edges is None else rows("frames", frame_rows(content.frame_edges)),
        "waveform": shown("waveform", content.waveform, waveform_rows),
        "spectrogram": shown("spectrogram", content.spectrogram, spectrogram_rows),
        "curves": [
            rows(f"curve{k}", curve_rows(t)) for k, t in enumerate(c for c in content.curves if len(c))
        ],
        "faces": _faces(content.faces, blobs),
        "words": [_word(word) for word in content.words],
        "cues": [dict(cue) for cue in content.cues],
        "words_about": dict(content.words_about),
        "spoken": list(content.spoken_seconds or (min(0.0, start), end)),
        "notes": list(content.notes),
        "files": [_file(each, folder) for each in content.files],
        "command": content.command,
        "versions": {str(name): str(text) for name, text in content.versions.items() if text},
        "options": _pretty(content.options),
        "preview": _preview(content, beside),
        "banner": _banner(content, beside),
    }


def _sync(content: ReportContent) -> dict[str, Any] | None:
    """The sentence, the verdicts, the drawing of the offset and its repair; None where it was not measured."""
    if content.measurement is None or content.sync.get("reason") == "not measured":
        return None
    if content.media.get("streams") and not content.has_both:
        return None  # there is nothing to compare, to hear or to draw; the fact at the top says why
    verdicts = content.sync.get("verdicts") or {}
    return {
        "sentence": str(content.sync.get("sentence") or ""),
        "mark": mark_of(content.sync),
        "verdicts": [
            [
                str(verdict["name"]),
                f"+{verdict['early_seconds'] * 1000:.0f} / −{verdict['late_seconds'] * 1000:.0f} ms",
                str(verdict["result"]),
            ]
            for verdict in verdicts.values()
        ],
        "svg": {name: sync_svg(content.measurement, width) for name, width in _DRAWINGS.items()},
        "offsets": heard_offsets(content.measurement),
        "repair": content.repair_command,
        "move": content.move_command,
        "advice": advice_on(content.measurement, content.title, in_report=True),
    }


def _faces(faces: FaceRows | None, blobs: dict[str, str]) -> dict[str, Any] | None:
    if faces is None:
        return None
    blobs["faces"] = base64_text(faces.data())
    return {"blob": "faces", "step": faces.step(), "speaking": list(faces.speaking)}


def _word(word: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": word["text"],
        "start": word["start_seconds"],
        "end": word["end_seconds"],
        "status": word["status"],
        "confidence": word["confidence"],
        "reason": word["reason"],
        "within_50ms": word["within_50ms"],
        "speaker": word["speaker"],
        "exact": [word["start"], word["end"]],
    }


def _file(each: OutputFile, folder: Path) -> dict[str, Any]:
    size = each.size_bytes
    path = folder / each.name
    if size is None and path.is_file():
        size = path.stat().st_size
    # A name with a colon would read as a protocol: "./" makes it a path.
    href = "./" + quote(each.name, errors="replace")
    return {"name": each.name, "explanation": each.explanation, "size_bytes": size, "href": href}


def _pretty(options: Mapping[str, Any]) -> str:
    # Fractions and paths become text by dump_json; what a person reads is indented.
    return json.dumps(json.loads(dump_json(options)), ensure_ascii=False, indent=2) if options else ""


def _preview(content: ReportContent, beside: Path | None) -> dict[str, Any] | None:
    preview = content.preview
    if preview is None:
        return None
    return {
        "mime": preview.mime,
        "zero_seconds": preview.zero_seconds,
        "has_picture": preview.has_picture,
        "has_sound": preview.has_sound,
        "href": None if beside is None else "./" + quote(beside.name),
    }


def _banner(content: ReportContent, beside: Path | None) -> str | None:
    if content.preview is None:
        why = f" ({content.preview_reason})" if content.preview_reason else ""
        return f"There is no preview to play{why}; the timeline can still be read."
    if beside is not None:
        place = f"The preview is too large for this page: it is {beside.name}, beside it. Keep them together."
        return f"{content.preview.note} {place}".strip()
    return content.preview.note or None


# ---------------------------------------------------------------- the page


def _page(content: ReportContent, data: Mapping[str, Any], blobs: Mapping[str, str]) -> str:
    style, theme, script = _part("page.css"), _part("theme.js"), _bundle()
    values = {
        "title": html.escape(content.title),
        "version": html.escape(_version()),
        "policy": html.escape(_policy(style, (theme, script))),
        # Inside a page the drawing needs no name space, and an address would look as if something were fetched.
        "icons": _part("icons.svg").replace(' xmlns="http://www.w3.org/2000/svg"', "").rstrip(),
        "style": style,
        "theme": theme,
        "script": script,
        # JSON inside a script element: no "<" means no "</script>" and no "<!--".
        "content": dump_json(data).replace("<", "\\u003c"),
        "blobs": "\n".join(
            f'<script type="text/plain" id="blob-{name}">{text}</script>' for name, text in blobs.items()
        ),
    }
    # One pass, so that nothing that was put in is taken for a placeholder.
    return _PLACEHOLDER.sub(lambda found: values[found[1]], _part("page.html"))


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """Only this very style and these very scripts, only media from the page or beside it, no network."""
    allowed = " ".join(_digest(text) for text in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; "
        "img-src data:; media-src blob: 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _bundle() -> str:
    """The modules as one: each name is used once among them, so that imports and exports can go."""
    texts = []
    for name in _MODULES:
        lines = _part(f"{name}.js").splitlines()
        kept = [line.removeprefix("export ") for line in lines if not line.startswith("import ")]
        texts.append("\n".join(kept))
    return "\n".join(texts) + "\n"


def _part(name: str) -> str:
    return (files("genlock.report") / "page" / name).read_text(encoding="utf-8")


def _version() -> str:
    try:
        return version("genlock")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "(source tree)"
