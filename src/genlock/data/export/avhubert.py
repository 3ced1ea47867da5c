"""What AV-HuBERT's own tools read: ``SPLIT.tsv``, ``.wrd`` and ``.km``, mouth films of 25 frames a second.

The first line of a ``.tsv`` is the root; then each clip has a line: name, film, sound, frames, samples. Frame k of a
film belongs to the samples [640 k, 640 (k + 1)) of the sound. Labels are written at their own rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.files import write_text
from genlock.core.grid import Grid
from genlock.core.time import round_fraction
from genlock.data.export.base import Job, Row, filled
from genlock.media import encode
from genlock.media.encode import Picture

__all__ = ["FACE_SHARE", "FRAME_RATE", "export_avhubert"]

#: Frames per second of the films.
FRAME_RATE = 25
#: A clip in which the face is seen for a smaller share of the time is left out.
FACE_SHARE = Fraction(9, 10)
_SOUND = "sound_16000"


@dataclass(frozen=True)
class _ManifestRow:
    """One clip in the manifests."""

    clip: str
    film: Path
    sound: Path
    frames: int
    samples: int
    text: str | None
    labels: npt.NDArray[np.int64] | None

    @property
    def tsv(self) -> str:
        return f"{self.clip}\t{self.film}\t{self.sound}\t{self.frames}\t{self.samples}\n"


def export_avhubert(job: Job) -> None:
    """Write films and manifests of all splits."""
    crops = [kind for kind in job.kinds if kind.startswith("mouth_") and kind != "mouth_shape"]
    # The published crops are what public weights were trained on.
    published = [kind for kind in job.kinds if kind.startswith("mouth-avhubert")]
    mouth = next(iter((*published, *crops)), None)
    if mouth is None or _SOUND not in job.kinds:
        raise OptionError(
            f"AV-HuBERT needs mouth/96 and sound@16000, and there is {', '.join(job.kinds)}; prepare with --recipe lrs3"
        )
    if any(sign in str(job.dataset) for sign in ":\t\n"):
        raise InputError(
            f"AV-HuBERT cuts names of files at colons and tabs, and {str(job.dataset)!r} has one: move it"
        )
    labels = next((kind for kind in job.kinds if kind.startswith("kmeans-")), None)
    counts: Counter[int] = Counter()
    job.notes.append(
        f"the manifests point to the sounds of {job.dataset} and the films here: keep both where they are"
    )
    written = []
    for split, rows in job.splits():
        lines = []
        for row in rows:
            line = _line(job, row, mouth, labels)
            if isinstance(line, str):
                job.leave_out(row, line)
            else:
                lines.append(line)
                counts.update([] if line.labels is None else line.labels.tolist())
            job.tick()
        written.append((split, lines))
    job.require_clips()
    for split, lines in written:
        if lines:
            _write(job, split, lines, labels)
    if labels is not None:
        text = "".join(f"{label} {counts[label]}\n" for label in range(max(counts, default=-1) + 1))
        job.put("dict.km.txt", lambda path: write_text(path, text))


def _write(job: Job, split: str, lines: Sequence[_ManifestRow], labels: str | None) -> None:
    tsv = "/\n" + "".join(line.tsv for line in lines)
    job.put(f"{split}.tsv", lambda path: write_text(path, tsv))
    silent = sum(line.text is None for line in lines)
    if silent == 0:
        # In lower case, as their own preparation has it.
        words = "".join(f"{(line.text or '').lower()}\n" for line in lines)
        job.put(f"{split}.wrd", lambda path: write_text(path, words))
    else:
        job.notes.append(f"{split}: {silent} of {len(lines)} clips have no text, so there is no {split}.wrd")
    if labels is not None:
        rows = ["" if line.labels is None else " ".join(map(str, line.labels.tolist())) for line in lines]
        job.put(f"{split}.km", lambda path: write_text(path, "".join(f"{row}\n" for row in rows)))


def _line(job: Job, row: Row, mouth: str, labels: str | None) -> _ManifestRow | str:
    """A clip in the manifests, or why it is not in them."""
    sound, crops = job.output(row, _SOUND), job.track(row, mouth)
    start, end = Fraction(row["start"]), Fraction(row["end"])
    length = round_fraction((end - start) * FRAME_RATE, "floor")
    if sound is None or sound["valid"] == 0:
        return "no sound"
    if crops is None:
        return "no picture"
    if length == 0:
        return f"shorter than a frame of 1/{FRAME_RATE} s"
    frames = crops.on(Grid(FRAME_RATE, start, crops.clock), "nearest", length=length)
    if not frames.valid.any():
        return "no face"
    if frames.valid.sum() < FACE_SHARE * length:
        return "a face in less than 90 % of the time"
    km = None if labels is None else job.track(row, labels)
    if labels is not None and (km is None or not km.valid.any()):
        return f"no {labels}"
    film = job.put(f"video/{row['clip']}.mp4", lambda path: _encode(path, filled(frames)))
    values = None if km is None else filled(km).astype(np.int64)
    return _ManifestRow(
        str(row["clip"]), film, job.dataset / sound["path"], length, sound["length"], job.text_of(row), values
    )


def _encode(path: Path, frames: npt.NDArray[np.generic]) -> None:
    pictures = [np.asarray(frame, np.uint8) for frame in frames]
    options = {"crf": "16", "preset": "veryfast", "threads": "1"}
    encode(path, Picture(pictures, rate=FRAME_RATE, codec="libx264", options=options))
