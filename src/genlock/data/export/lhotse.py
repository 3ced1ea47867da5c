"""lhotse: a recording and a supervision for each clip with sound, word times as alignments.

The manifests point to the dataset's own sound files; lhotse counts time from their first sample, so word times
move from the media clock to there.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.files import write_bytes
from genlock.data.export.base import Job, Row, first_instant

__all__ = ["export_lhotse"]


def export_lhotse(job: Job) -> None:
    """Write ``NAME_recordings_SPLIT.jsonl.gz`` and ``NAME_supervisions_SPLIT.jsonl.gz``."""
    sounds = [kind for kind in job.kinds if kind.startswith("sound_")]
    if not sounds:
        raise OptionError(
            f"lhotse needs sound, and there is {', '.join(job.kinds)}; prepare with sound@16000"
        )
    kind = min(sounds, key=lambda name: (name != "sound_16000", name))
    if len(sounds) > 1:
        job.notes.append(f"recordings are {kind}; choose another with --kinds")
    job.notes.append(f"the manifests point to the sounds of {job.dataset}: keep it where it is")
    for row in job.rows:
        if job.output(row, kind) is None:
            job.leave_out(row, f"no {kind}")
    job.require_clips()
    for split, rows in job.splits():
        recordings, supervisions = [], []
        for row in rows:
            made = job.output(row, kind)
            if made is not None:
                recordings.append(_recording(job, row, made))
                supervisions.append(_supervision(job, row, made))
            job.tick()
        for what, lines in (("recordings", recordings), ("supervisions", supervisions)) if recordings else ():
            write = partial(write_bytes, data=_packed(lines))
            job.put(f"{job.options.name}_{what}_{split}.jsonl.gz", write)


def _packed(lines: Sequence[Mapping[str, Any]]) -> bytes:
    text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    return gzip.compress(text.encode("utf-8", "backslashreplace"), mtime=0)


def _duration(made: Mapping[str, Any]) -> float:
    return float(Fraction(made["length"]) / Fraction(made["rate"]))


def _recording(job: Job, row: Row, made: Mapping[str, Any]) -> dict[str, Any]:
    path = str(Path(job.dataset) / made["path"])
    return {
        "id": row["clip"],
        "sources": [{"type": "file", "channels": [0], "source": path}],
        "sampling_rate": int(made["rate"]),
        "num_samples": made["length"],
        "duration": _duration(made),
        "channel_ids": [0],
    }


def _supervision(job: Job, row: Row, made: Mapping[str, Any]) -> dict[str, Any]:
    zero, end = first_instant(made), Fraction(made["length"]) / Fraction(made["rate"])
    words = []
    for word in row["words"] or ():
        # A word that reaches over the end of its clip is cut there: lhotse refuses what lies outside a recording.
        low = min(max(Fraction(word["start_seconds"]) - zero, Fraction(0)), end)
        high = min(max(Fraction(word["end_seconds"]) - zero, low), end)
        words.append([word["text"], float(low), float(high - low), None])
    made_of = {key: row[key] for key in ("source", "start", "end", "clock", "label", "offset_seconds")}
    facts = {
        "id": row["clip"],
        "recording_id": row["clip"],
        "start": 0.0,
        "duration": _duration(made),
        "channel": 0,
        "text": job.text_of(row),
        "speaker": row["speaker"] or None,
        "custom": made_of,
    }
    found = {key: value for key, value in facts.items() if value is not None}
    return {**found, "alignment": {"word": words}} if words else found
