"""What the library shows of each file: what it is, what was found about it, and a picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, MediaError
from genlock.core.files import write_bytes
from genlock.core.json_forms import read_json_file, write_json
from genlock.lipsync.summary import mark_of
from genlock.media import MediaInfo, VideoInfo
from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.jobs.kinds import clip_folder, found_folder
from genlock.studio.stills import Stills, still_of

__all__ = ["Library"]

_THUMBNAIL = 320  # pixels of the longer side


class Library:
    """The files of a folder with what is known of them; what is dear to find out is kept until the file changes."""

    def __init__(self, folder: StudioFolder, stills: Stills) -> None:
        self._folder, self._stills = folder, stills

    def listing(self) -> dict[str, Any]:
        """All files, with what can be told without opening them; and what is left out, with the reason."""
        files, left = self._folder.files()
        return {
            "folder": self._folder.root.name or str(self._folder.root),
            "files": [self._row(file) for file in files],
            "left_out": [{"name": one.name, "reason": one.reason} for one in left],
        }

    def _row(self, file: MediaFile) -> dict[str, Any]:
        state = file.path.stat()
        return {
            "id": file.ident,
            "name": file.name,
            "version": file.version,
            "size_bytes": state.st_size,
            "modified": state.st_mtime,
            "opened": clip_folder(self._folder, file).is_dir(),
            "sync": self.sync(file),
            "words": self._word_count(file),
            "corrected": (self._folder.own / "words" / f"{file.ident}.json").exists(),
        }

    def facts(self, file: MediaFile) -> dict[str, Any]:
        """What a file is: streams, duration, and what to beware of."""
        kept = found_folder(self._folder, file) / "facts.json"
        if kept.is_file():
            told = read_json_file(kept)
            if told.get("version") == file.version and "picture_codecs" in told:
                return told
        told = {"version": file.version, **self._looked_at(file)}
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, told)
        return told

    def _looked_at(self, file: MediaFile) -> dict[str, Any]:
        try:
            info = self._stills.info(file)
        except MediaError as error:
            return {
                "duration_seconds": None,
                "streams": [],
                "picture_codecs": [],
                "notes": [str(error).replace(str(file.path), file.name)],
            }
        duration = info.duration
        return {
            "duration_seconds": None if duration is None else float(duration),
            "streams": [str(stream) for stream in info.streams],
            # Covers among them: whoever reads the file meets each.
            "picture_codecs": [each.codec for each in info.streams if isinstance(each, VideoInfo)],
            "has_picture": bool(info.video),
            "has_sound": bool(info.audio),
            "notes": list(info.notes),
        }

    def thumbnail(self, file: MediaFile) -> bytes:
        """A small JPEG picture from the first tenth of the film. Raises NotThere if there is none to be had."""
        kept = found_folder(self._folder, file) / f"thumbnail-{file.version}.jpg"
        if kept.is_file():
            return kept.read_bytes()
        made = still_of(file.path, _worth_seeing(self._stills.info(file)), _THUMBNAIL)
        if made is None:
            raise NotThere(f"{file.name!r} has no picture")
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob("thumbnail-*.jpg"):
            old.unlink(missing_ok=True)
        write_bytes(kept, made)
        return made

    def sync(self, file: MediaFile) -> dict[str, Any] | None:
        """The newest measurement of the offset, with a mark for its badge; None if there is none of this very file."""
        measured, aligned = found_folder(self._folder, file) / "sync.json", file.results / "summary.json"
        told = None
        if measured.is_file():
            told = read_json_file(measured)
            told = told if told.get("version") == file.version else None
        if told is None and aligned.is_file() and aligned.stat().st_mtime >= file.path.stat().st_mtime:
            told = _sync_in(aligned)
        if told is None:
            return None
        return {**told, "mark": mark_of(told)}

    def has_sync_picture(self, file: MediaFile) -> bool:
        """Whether there is a drawing of the measurement."""
        return (found_folder(self._folder, file) / "sync.svg").is_file()

    def sync_picture(self, file: MediaFile) -> Path:
        """The drawing of the measurement. Raises NotThere."""
        if not self.has_sync_picture(file):
            raise NotThere(f"the offset of {file.name!r} was not measured here")
        return found_folder(self._folder, file) / "sync.svg"

    def similarity(self, file: MediaFile) -> dict[str, Any]:
        """What the newest measurement here compared, as :func:`genlock.report.similarity.similarity_rows` tells it."""
        place = found_folder(self._folder, file)
        sync = self.sync(file)
        if sync is None or sync.get("version") != file.version or not (place / "similarity.json").is_file():
            return {"similarity": None}
        told: dict[str, Any] = read_json_file(place / "similarity.json")
        return told

    def _word_count(self, file: MediaFile) -> int | None:
        """How many words there are; None where nobody has looked for them."""
        own = self._folder.own / "words" / f"{file.ident}.json"
        for place in (own, file.results / "words.json", found_folder(self._folder, file) / "words.json"):
            if place.is_file():
                try:
                    return len(read_json_file(place)["words"])
                except (FormatError, KeyError):
                    return None
        return None


def _worth_seeing(info: MediaInfo) -> Fraction:
    """An instant a tenth into the picture. Raises NotThere without one."""
    picture = info.picture()
    if picture is None or picture.start is None:
        raise NotThere("there is no picture")
    return picture.start + (picture.duration or Fraction(0)) / 10


def _sync_in(summary: Path) -> dict[str, Any] | None:
    try:
        told = read_json_file(summary).get("sync")
    except FormatError:
        return None
    known = isinstance(told, dict) and told.get("reason") != "not measured"
    return dict(told) if known and isinstance(told, dict) else None
