"""Real speech to train on: folders of sound read once into one file of 16-bit samples, and split by content.

A prepared folder holds ``sounds.s16`` (mono 16 kHz, 16-bit little endian, clip after clip) and ``index.json``.
Training maps the file and turns only the clips of one batch into floats, so memory does not grow with the
corpus.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, GenlockError, InputError
from genlock.core.files import atomic_folder
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.progress import Progress, silent
from genlock.data.corpora.grid import read_align, sentence_of
from genlock.data.splits import place_of
from genlock.media import read_audio
from genlock.speech.text import tokenize

__all__ = [
    "RATE",
    "Clip",
    "SoundSet",
    "Split",
    "find_texts",
    "open_or_prepare",
    "prepare_sounds",
    "split_of",
    "spoken_text",
]

#: Samples per second of all sound that is trained on.
RATE = 16000
SOUNDS, INDEX = "sounds.s16", "index.json"
#: File endings that are taken for sound or video.
ENDINGS = frozenset(
    (
        ".wav",
        ".flac",
        ".ogg",
        ".opus",
        ".mp3",
        ".m4a",
        ".aac",
        ".g722",
        ".mp4",
        ".mkv",
        ".webm",
        ".mov",
        ".mpg",
        ".mpeg",
        ".avi",
    )
)

Split = Literal["train", "valid", "test"]
Samples = npt.NDArray[np.float32]

_NOT_SPOKEN = re.compile(r"[\[({<]")


@dataclass(frozen=True)
class Clip:
    """One recording."""

    name: str
    """Folder and file, as ``grid_s1/video/bbaf2n``; never an absolute path."""
    speaker: str
    """Who speaks, as far as the folder tells; clips of one speaker have the same."""
    text: str | None
    """What is said, as :func:`spoken_text` writes it; None: not known."""
    first: int
    """Its first sample in the prepared file."""
    count: int
    """Its number of samples."""
    sha1: str
    """Hash of its samples: equal recordings have equal hashes, whatever their names."""
    words: tuple[tuple[str, float, float], ...] = ()
    """Words with start and end in seconds from its first sample; empty: not known."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.count / RATE


def split_of(clip: Clip, *, by: Literal["clip", "speaker"] = "clip") -> Split:
    """Where a clip belongs: 85 % train, 5 % valid, 10 % test, by a hash, the same on every machine and in
    every order.

    Parameters
    ----------
    by : ``clip`` hashes the samples themselves, so that a copy under another name is never in another part;
        ``speaker`` keeps each speaker in one part

    >>> split_of(Clip("a/x", "a", None, 0, 16000, "00" * 20))
    'train'
    """
    word = clip.sha1 if by == "clip" else clip.speaker
    place = place_of(f"genlock split {word}")
    return "test" if place < 0.10 else "valid" if place < 0.15 else "train"


def spoken_text(text: str) -> str | None:
    """A text as it is spoken: small letters, apostrophes and single spaces; None if it cannot be known.

    Numbers and symbols take their first spoken form. A text with brackets describes a sound, and no words.

    >>> spoken_text("Press 1, or dial 22!"), spoken_text("[ascending tones]")
    ('press one or dial twenty two', None)
    """
    if _NOT_SPOKEN.search(text):
        return None
    # All in capitals it is written small: single words in capitals would be spelt out.
    plain = text.lower() if text.isupper() else text
    words = [word.lower() for token in tokenize(plain) for word in (token.forms[0] if token.forms else ())]
    found = " ".join(words)
    return found if re.fullmatch(r"[a-z' ]+", found) else None


def find_texts(folder: Path, files: Sequence[Path]) -> dict[Path, str]:
    """The texts that a folder holds for its sounds, by file.

    In this order: ``transcripts.tsv`` of the folder (path without ending, tab, text), LibriSpeech's
    ``*.trans.txt``, a ``.txt`` beside the sound; and where nearly all names of a folder are GRID sentences,
    the names.
    """
    known: dict[str, str] = {}
    for path in [folder / "transcripts.tsv", *sorted(folder.rglob("*.trans.txt"))]:
        if path.is_file():
            known |= _listed(path, folder)
    texts: dict[Path, str] = {}
    for file in files:
        beside = file.with_suffix(".txt")
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in known:
            texts[file] = known[name]
        elif beside.is_file():
            texts[file] = beside.read_text(encoding="utf-8", errors="replace")
    rest = [file for file in files if file not in texts]
    sentences = {file: text for file in rest if file.stem.islower() and (text := sentence_of(file.stem))}
    if len(sentences) > 0.9 * len(rest):
        texts |= sentences
    return texts


def _listed(path: Path, folder: Path) -> dict[str, str]:
    cut = "\t" if path.name == "transcripts.tsv" else " "
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(
            f"the transcripts {str(path)!r} cannot be read: {error}; write them as UTF-8"
        ) from error
    parts = [line.split(cut, 1) for line in lines if cut in line]
    inside = path.parent.relative_to(folder)
    return {(inside / name).as_posix(): text for name, text in parts}


def grid_words(file: Path) -> tuple[tuple[str, float, float], ...]:
    """Word times of a GRID clip, from ``align/NAME.align`` beside its folder; empty where there is none.

    The corpus counts 25,000 units a second from the start of the sound recording.
    """
    path = file.parent.parent / "align" / f"{file.stem}.align"
    if not path.is_file():
        return ()
    return tuple((word["text"], word["start_seconds"], word["end_seconds"]) for word in read_align(path))


def prepare_sounds(
    folders: Sequence[str | Path],
    target: str | Path,
    *,
    shortest_seconds: float = 0.25,
    read: Callable[[Path], Samples] | None = None,
    progress: Progress = silent,
) -> SoundSet:
    """Decode all sounds and videos below some folders into one prepared folder.

    Parameters
    ----------
    folders : searched with everything below them; their last names tell the clips apart
    target : the prepared folder; it appears whole or not at all
    shortest_seconds : shorter sounds, and silent ones, are skipped
    read : decodes one file to mono float32 [n] at 16 kHz; None: any file that genlock reads

    A file that cannot be read is skipped and listed in ``SoundSet.skipped`` with the reason.

    Raises
    ------
    InputError
        If a folder does not exist, or nothing could be read at all.
    OutputError
        If the target cannot be written.
    """
    decode = read or _decoded
    files = [(Path(folder), file) for folder in folders for file in _sound_files(Path(folder))]
    texts = {
        f: text
        for folder in folders
        for f, text in find_texts(Path(folder), [f for r, f in files if r == Path(folder)]).items()
    }
    clips: list[Clip] = []
    skipped: list[tuple[str, str]] = []
    with atomic_folder(target, marker=INDEX) as fresh:
        first = 0
        with (fresh / SOUNDS).open("wb") as out:
            for number, (folder, file) in enumerate(files):
                progress("read", number, len(files))
                inside = file.relative_to(folder)
                name = f"{folder.resolve().name}/{inside.with_suffix('').as_posix()}"
                try:
                    samples = decode(file)
                except (GenlockError, OSError) as error:
                    skipped.append((name, str(error)))
                    continue
                reason = _unusable(samples, shortest_seconds)
                if reason:
                    skipped.append((name, reason))
                    continue
                data = (np.clip(np.rint(samples * 32767), -32768, 32767)).astype("<i2").tobytes()
                out.write(data)
                speaker = f"{folder.resolve().name}/{inside.parent.as_posix()}".removesuffix("/.")
                text = spoken_text(texts[file]) if file in texts else None
                sha1 = hashlib.sha1(data).hexdigest()
                clips.append(Clip(name, speaker, text, first, len(samples), sha1, grid_words(file)))
                first += len(samples)
        if not clips:
            listed = "; ".join(f"{name}: {why}" for name, why in skipped[:3])
            raise InputError(
                f"no sound could be read in {', '.join(map(str, folders))} ({len(files)} files looked at"
                f"{': ' + listed if listed else ''}); give folders with sound or video files"
            )
        write_json(
            fresh / INDEX,
            {
                "kind": "sounds",
                "rate": RATE,
                "clips": [vars(c) for c in clips],
                "skipped": [{"name": n, "reason": r} for n, r in skipped],
            },
        )
    progress("read", len(files), len(files))
    return SoundSet(Path(target), tuple(clips), tuple(skipped))


def open_or_prepare(sounds: Sequence[str | Path], run: Path, progress: Progress = silent) -> SoundSet:
    """One prepared folder as it is; other folders prepared into ``RUN/sounds``, once.

    Raises InputError if nothing is named, or prepared and other folders are mixed.
    """
    if not sounds:
        raise InputError("which sounds? Name folders of sounds or videos, or a prepared folder")
    prepared = [folder for folder in sounds if (Path(folder) / INDEX).is_file()]
    if prepared and len(sounds) > 1:
        raise InputError(
            f"{str(prepared[0])!r} is a prepared folder; give it alone, or only folders of sounds"
        )
    if prepared:
        return SoundSet.open(prepared[0])
    own = run / "sounds"
    return SoundSet.open(own) if (own / INDEX).is_file() else prepare_sounds(sounds, own, progress=progress)


def _sound_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r}; name folders of sounds or videos")
    return sorted(f for f in folder.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file())


def _decoded(file: Path) -> Samples:
    samples: Samples = read_audio(file, RATE).values.reshape(-1).astype(np.float32)
    return samples


def _unusable(samples: Samples, shortest_seconds: float) -> str | None:
    if len(samples) < shortest_seconds * RATE:
        return f"only {len(samples) / RATE:.2f} s long"
    if not np.isfinite(samples).all():
        return "holds samples that are not finite"
    if float(np.abs(samples).max()) < 1e-4:
        return "silent"
    return None


@dataclass(frozen=True)
class SoundSet:
    """Clips in a prepared folder, all of them or a part."""

    folder: Path
    """Where ``sounds.s16`` lies."""
    clips: tuple[Clip, ...]
    """The clips, in the order of the file."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Files that could not be used, with the reason."""

    @classmethod
    def open(cls, folder: str | Path) -> SoundSet:
        """Open a prepared folder.

        Raises FormatError if it is damaged or of a newer schema, InputError if it is not one.
        """
        where = Path(folder)
        if not (where / INDEX).is_file() or not (where / SOUNDS).is_file():
            raise InputError(f"{str(folder)!r} is no prepared folder: it needs {INDEX} and {SOUNDS}")
        data = read_json_file(where / INDEX)
        try:
            clips = tuple(
                Clip(**{**row, "words": tuple((w, float(a), float(b)) for w, a, b in row["words"])})
                for row in data["clips"]
            )
            skipped = tuple((row["name"], row["reason"]) for row in data["skipped"])
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{INDEX} of {str(folder)!r} is damaged ({error}); prepare it again") from error
        held = (where / SOUNDS).stat().st_size // 2
        if clips and clips[-1].first + clips[-1].count > held:
            raise FormatError(f"{SOUNDS} of {str(folder)!r} is cut short; prepare it again")
        return cls(where, clips, skipped)

    @cached_property
    def _samples(self) -> Any:
        return np.memmap(self.folder / SOUNDS, "<i2", "r")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was skipped, in words; empty if nothing was."""
        if not self.skipped:
            return ()
        name, reason = self.skipped[0]
        more = f", and {len(self.skipped) - 1} more" if len(self.skipped) > 1 else ""
        return (f"skipped {name} ({reason}){more}: all are listed in {self.folder / INDEX}",)

    @property
    def seconds(self) -> float:
        """Length of all clips together."""
        return sum(clip.count for clip in self.clips) / RATE

    def samples(self, clip: Clip, first: int = 0, count: int | None = None) -> Samples:
        """Samples of a clip, float32 [n] within -1...1."""
        stop = clip.count if count is None else min(first + count, clip.count)
        taken = np.asarray(self._samples[clip.first + first : clip.first + stop], np.float32)
        return taken / np.float32(32768)

    def where(self, keep: Callable[[Clip], bool]) -> SoundSet:
        """The clips for which ``keep`` says True."""
        return SoundSet(self.folder, tuple(c for c in self.clips if keep(c)), self.skipped)

    def part(self, split: Split, *, by: Literal["clip", "speaker"] = "clip") -> SoundSet:
        """The clips of one part; see :func:`split_of`.

        Raises InputError if there are none.
        """
        found = self.where(lambda clip: split_of(clip, by=by) == split)
        if not found.clips:
            raise InputError(
                f"the part {split!r} of {str(self.folder)!r} is empty ({len(self.clips)} clips in all, split by "
                f"{by}); give more clips"
            )
        return found

    def first_minutes(self, minutes: float) -> SoundSet:
        """So much of the sound, chosen by hash; all of it for 0."""
        if not minutes:
            return self
        chosen: set[str] = set()
        left = minutes * 60
        for clip in sorted(self.clips, key=lambda clip: clip.sha1):
            if left <= 0:
                break
            chosen.add(clip.sha1)
            left -= clip.seconds
        return self.where(lambda clip: clip.sha1 in chosen)

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)
