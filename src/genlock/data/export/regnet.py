"""The folders and lists that RegNet, SpecVQGAN and PerceptAlign train from.

``NAME/features/CLASS/melspec_10s_22050hz/CLIP_mel.npy`` is [80, 860]. Features of frames are kept there as pickles,
which this project does not write: they are ``.npy`` here, and a note says which line of the reader to change.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.files import write_bytes, write_text
from genlock.core.json_forms import write_json
from genlock.data.export.base import Job, Row, filled
from genlock.data.splits import NAMES

__all__ = ["FOLDERS", "export_regnet"]

#: Outputs of ours and the folders that they go to.
FOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "mel-specvqgan": "melspec_10s_22050hz",
        "rgb_21.5fps": "feature_rgb_bninception_dim1024_21.5fps",
        "flow-features_21.5fps": "feature_flow_bninception_dim1024_21.5fps",
    }
)
_MEL, _VIDEO = "mel-specvqgan", "videos_10s_21.5fps"
_COLUMNS = 860  # of a mel of 10 s, of the 862 that it has


def export_regnet(job: Job) -> None:
    """Write features, films where the dataset has them at 21.5 a second, and the lists of clips."""
    kinds = {own: next((kind for kind in job.kinds if _is(kind, own)), None) for own in FOLDERS}
    if kinds[_MEL] is None:
        raise OptionError(
            f"the folders of RegNet need mel:specvqgan, and there is {', '.join(job.kinds)}; prepare with --recipe "
            "sound"
        )
    film = next((kind for kind in job.kinds if kind.startswith("video_21.5fps")), None)
    needed = [kind for kind in kinds.values() if kind is not None]
    whole = []
    for row in job.rows:
        lacking = [kind for kind in needed if job.output(row, kind) is None]
        if lacking:
            job.leave_out(row, f"no {' and no '.join(lacking)}")
        else:
            whole.append(row)
    job.require_clips()
    long = sum(Fraction(row["end"]) - Fraction(row["start"]) > 10 for row in whole)
    if long:
        job.notes.append(
            f"{long} clips are longer than 10 s and are cut there; prepare with --clip-seconds 10"
        )
    for row in whole:
        _write(job, row, {own: kind for own, kind in kinds.items() if kind is not None}, film)
        job.tick()
    name = job.options.name
    for split in (*NAMES, "all"):
        lines = [f"{_class(row)}/{row['clip']}\n" for row in whole if split in ("all", row["split"])]
        text = "".join(lines)
        job.put(f"{name}_{split}.txt", lambda path, text=text: write_text(path, text))  # type: ignore[misc]
    _note(job, [own for own, kind in kinds.items() if kind is not None and own != _MEL])
    job.put(f"{name}_rates.json", lambda path: write_json(path, _rates()))


def _is(kind: str, own: str) -> bool:
    """``flow-features-tvl1_21.5fps`` is one of ``flow-features_21.5fps``."""
    name, _, rate = own.partition("_")
    return bool(
        re.fullmatch(f"{re.escape(name)}(-[a-z0-9]+)?" + (f"_{re.escape(rate)}" if rate else ""), kind)
    )


def _class(row: Row) -> str:
    """The lists part class and clip at the slash, so a class has none."""
    return re.sub(r"[/\s]+", "_", row["label"] or "all")


def _write(job: Job, row: Row, kinds: Mapping[str, str], film: str | None) -> None:
    name, place = job.options.name, _class(row)
    for own, kind in kinds.items():
        track = job.track(row, kind)
        assert track is not None  # only clips that have all are written
        # Before the first frame there is no flow: its row is that of the second one.
        features = filled(track) if track.valid.any() else track.values
        values, ending = (_mel(track.values), "_mel.npy") if own == _MEL else (features, ".npy")
        file = f"{name}/features/{place}/{FOLDERS[own]}/{row['clip']}{ending}"
        job.put(file, lambda path, values=values: write_bytes(path, _npy(values)))  # type: ignore[misc]
    made = None if film is None else job.output(row, film)
    if made is not None:
        file = f"{name}/videos/{place}/{_VIDEO}/{row['clip']}.mp4"
        job.put(file, lambda path, made=made: write_bytes(path, job.bytes_of(made)))  # type: ignore[misc]


def _mel(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """[T, 80] as [80, 860]: cut, or filled with the zeros that silence gives in this mel."""
    mel = np.zeros((values.shape[1], _COLUMNS), np.float32)
    mel[:, : len(values)] = values[:_COLUMNS].T
    return mel


def _npy(values: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def _note(job: Job, features: list[str]) -> None:
    for own in FOLDERS:
        if own != _MEL and own not in features:
            job.notes.append(f"there is no {own.split('_')[0]}@21.5 in the dataset, so no {FOLDERS[own]}")
    if features:
        job.notes.append(
            "features of frames are .npy, not pickles: in the reader (VASFeats of SpecVQGAN and PerceptAlign, "
            "RegnetLoader of RegNet) put '.npy' for '.pkl' and np.load(path) "
            "for pickle.load(open(path, 'rb'), encoding='bytes')"
        )
    job.notes.append(
        "the mel has 22050/256 = 86.13 columns a second, the frames 21.5: 4 columns a frame would be 21.533, which "
        "drifts 15 ms in 10 s; the exact grids are in the dataset"
    )


def _rates() -> dict[str, object]:
    mel, frames = Fraction(22050, 256), Fraction(43, 2)
    return {
        "kind": "rates",
        "mel_columns_per_second": str(mel),
        "frames_per_second": str(frames),
        "mel_columns_per_frame": str(mel / frames),
        "nominal_mel_columns_per_frame": 4,
        "drift_seconds_in_10_seconds": float(10 * (1 - frames / (mel / 4))),
        "first_mel_column_center_seconds": "0",
        "first_frame_center_seconds": str(1 / frames / 2),
    }
