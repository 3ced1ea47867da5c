"""Protocol P2 for a model's own alignment: a drawn shift of -25...25 frames, all 51 candidates, real neighbours.

Crops of sound and of picture are cut out of the clip at two places: what is shifted has its true neighbours.
Beside it stand what the published procedure does (the picture rolled round, and only the 26 candidates that have the
sign of the truth), what never looks (zero, a draw) and what looks for the seam of the roll and hears nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.aligners.diagonal import diagonal_means
from genlock.bench.avsr_clips import AVClip
from genlock.bench.figures import Figure, Row, share
from genlock.core.one_line import one_line
from genlock.speech.audiovisual.model import AudioVisualModel, ShiftEstimate
from genlock.speech.audiovisual.streams import Picture, hear, look

__all__ = ["REACH", "Crop", "ShiftCase", "crop_of", "seam_of", "shift_cases", "shift_rows"]

Mouths: TypeAlias = npt.NDArray[np.uint8]

#: The largest shift in frames, to either side.
REACH = 25
#: A crop of fewer frames has too few pairs at the largest shift.
_LEAST_FRAMES = REACH + 5
_REAL, _ROLLED = "P2, 51 candidates", "P2, picture rolled"
_SIGNED = "P2, 26 candidates of its sign"
_BOTH_PUBLISHED = "P2, rolled and 26 candidates"


@dataclass(frozen=True)
class Crop:
    """Where sound and picture are cut out of a clip."""

    shift: int
    """By how many frames the sound is early."""
    length: int
    """Frames of either."""
    sound: int
    """First frame of the sound."""
    picture: int
    """First frame of the picture."""


def crop_of(frames: int, longest: int, draw: np.random.Generator) -> Crop | None:
    """A shift and a place for it; None if the clip is too short for one.

    >>> crop_of(75, 100, np.random.default_rng(0))
    Crop(shift=18, length=50, sound=23, picture=5)
    >>> crop_of(54, 100, np.random.default_rng(0)) is None
    True
    """
    length = min(frames - REACH, longest)
    shift = int(draw.integers(-REACH, REACH + 1))
    if length < _LEAST_FRAMES:
        return None
    first = int(draw.integers(0, frames - length - abs(shift) + 1))
    return Crop(shift, length, first + max(shift, 0), first + max(-shift, 0))


@dataclass(frozen=True)
class ShiftCase:
    """One planted shift, and what was said."""

    model: str
    """Who said it."""
    clip: str
    """Name of the clip."""
    protocol: str
    """How the shift was made, and which candidates there were."""
    system: str
    """The model, or a control."""
    truth: int
    """Frames by which the sound is early."""
    answer: int
    """The best of the candidates."""
    frames: float | None = None
    """What the model stands by, to a fraction of a frame; None: it abstains."""
    probability: float | None = None
    """That this is right within a frame, as it says."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form."""
        return asdict(self)


def shift_cases(
    model: AudioVisualModel, clips: Sequence[AVClip], pictures: Sequence[Picture], seed: int, draws: int = 1
) -> list[ShiftCase]:
    """Every form of P2 on a batch of clips.

    Parameters
    ----------
    pictures : the whole clips after the picture's front end, as :func:`~genlock.speech.audiovisual.streams.look`
        gives them
    draws : crops of each clip
    """
    found: list[ShiftCase] = []
    placed = [
        (number, crop)
        for number, clip in enumerate(clips)
        for k in range(draws)
        if (crop := crop_of(len(clip), model.longest_frames, clip.draw(seed, 33, k))) is not None
    ]
    if not placed:
        return found
    sounds = [clip.heard() for clip in clips]
    heard = hear(model, [sounds[n][c.sound : c.sound + c.length] for n, c in placed])
    seen = [pictures[n].moved(-c.picture).part(c.length) for n, c in placed]
    real = model.shifts(model.encode(heard, None), model.encode(None, seen))
    rolled = [_rolled(clips[n], c) for n, c in placed]
    unmoved = hear(model, [sounds[n][c.picture : c.picture + c.length] for n, c in placed])
    round_about = look(model, rolled, [np.ones(len(one), bool) for one in rolled])
    published = model.shifts(
        model.encode(unmoved, None),
        model.encode(None, [one.part(len(mouths)) for one, mouths in zip(round_about, rolled, strict=True)]),
    )
    for k, (number, crop) in enumerate(placed):
        clip = clips[number]
        answers = _answers(model.name, clip, crop, real[k], published[k], rolled[k])
        answers += [(_REAL, "random", int(clip.draw(seed, 34, k).integers(-REACH, REACH + 1)))]
        for protocol, system, answer in answers:
            case = ShiftCase(model.name, clip.name, protocol, system, crop.shift, answer)
            if (protocol, system) == (_REAL, model.name):
                case = replace(case, frames=real[k].frames, probability=real[k].probability)
            found.append(case)
    return found


def _answers(
    name: str, clip: AVClip, crop: Crop, real: ShiftEstimate, published: ShiftEstimate, rolled: Mouths
) -> list[tuple[str, str, int]]:
    """Protocol, system and answer of one crop."""
    return [
        (_REAL, name, real.best),
        (_REAL, "untrained correlation", _untrained(clip, crop)),
        (_REAL, "always 0", 0),
        (_REAL, "seam alone, no sound", seam_of(_cut(clip, crop))),
        (_ROLLED, name, published.best),
        (_ROLLED, "seam alone, no sound", seam_of(rolled)),
        (_SIGNED, name, _of_sign(real, crop.shift)),
        (_SIGNED, "always 0", 0),
        (_BOTH_PUBLISHED, name, _of_sign(published, crop.shift)),
    ]


def _cut(clip: AVClip, crop: Crop) -> Mouths:
    return np.asarray(clip.mouth.values[crop.picture : crop.picture + crop.length], np.uint8)


def _rolled(clip: AVClip, crop: Crop) -> Mouths:
    """The picture of a crop rolled round by its shift: the sound is early by it, and the end stands first."""
    return np.roll(_cut(clip, crop), crop.shift, axis=0)


def seam_of(mouths: Mouths) -> int:
    """The shift that the largest jump between two frames would mean, had the picture been rolled; nothing is heard.

    >>> frames = np.arange(60, dtype=np.uint8)[:, None, None] * np.ones((60, 4, 4), np.uint8)
    >>> seam_of(np.roll(frames, 7, axis=0)), seam_of(np.roll(frames, -12, axis=0))
    (7, -12)
    """
    count = len(mouths)
    jumps = np.abs(np.diff(mouths.astype(np.float32), axis=0)).reshape(max(count - 1, 0), -1).mean(axis=1)
    # A roll by k puts its seam before frame k, or before frame count + k where k is below zero.
    candidates = {k: (k if k > 0 else count + k) for k in range(-REACH, REACH + 1) if k}
    known = {k: float(jumps[at - 1]) for k, at in candidates.items() if 0 < at < count}
    return max(known, key=lambda k: known[k], default=0)


def _untrained(clip: AVClip, crop: Crop) -> int:
    """Loudness against motion of the mouth, frame by frame: nothing is learnt."""
    samples = np.asarray(clip.sound.values, np.float32).reshape(-1)
    first = clip.mouth.grid.edge(crop.sound) - clip.sound.start
    at = int(first * 16000)
    level = np.array(
        [
            np.log(1e-6 + float(np.mean(part**2)))
            if len(part := samples[max(at + 640 * k, 0) :][:640])
            else 0.0
            for k in range(crop.length)
        ]
    )
    cut = _cut(clip, crop).astype(np.float32)
    motion = np.abs(np.diff(cut, axis=0, prepend=cut[:1])).reshape(len(cut), -1).mean(axis=1)
    means, _ = diagonal_means(np.outer(_standard(level), _standard(motion)), REACH, least_frames=5)
    return int(np.nanargmax(means)) - REACH if np.isfinite(means).any() else 0


def _standard(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9), np.float64)


def _of_sign(found: ShiftEstimate, truth: int) -> int:
    """The best candidate of those with the sign of the truth, which the published evaluation knows."""
    allowed = found.shifts >= 0 if truth >= 0 else found.shifts <= 0
    curve = np.where(allowed, found.curve, np.nan)
    return int(found.shifts[np.nanargmax(curve)]) if np.isfinite(curve).any() else 0


# ---------------------------------------------------------------- rows


def shift_rows(cases: Sequence[ShiftCase]) -> list[Row]:
    """A row for each protocol and system, and risk against coverage for models that say how sure they are."""
    groups: dict[tuple[str, str], list[ShiftCase]] = {}
    for case in cases:
        groups.setdefault((case.protocol, case.system), []).append(case)
    rows = [_row(protocol, system, each) for (protocol, system), each in groups.items()]
    order = {name: k for k, name in enumerate((_REAL, _SIGNED, _ROLLED, _BOTH_PUBLISHED))}
    rows.sort(key=lambda row: order.get(row.protocol, len(order)))
    for (protocol, system), each in groups.items():
        if protocol == _REAL and any(case.probability is not None for case in each):
            rows += _coverage(system, each)
    return rows


def _row(protocol: str, system: str, cases: Sequence[ShiftCase]) -> Row:
    away = np.array([abs(case.answer - case.truth) for case in cases])
    figures = {
        "exact": share(away == 0),
        "within 1 frame": share(away <= 1),
        "over 5 frames": share(away > 5),
        "median frames": Figure(float(np.median(away))),
    }
    return Row(protocol, system, len(cases), figures)


def _coverage(system: str, cases: Sequence[ShiftCase]) -> list[Row]:
    """Of the windows that it is surest of, the share within a frame; and of those that it answers at all."""
    answered = [case for case in cases if case.frames is not None]
    right = [abs((case.frames or 0.0) - case.truth) <= 1 for case in answered]
    rows = [
        Row(
            "P2, where it answers",
            system,
            len(answered),
            {"answered": Figure(len(answered) / len(cases)), "within 1 frame": share(right)},
        )
    ]
    order = sorted(cases, key=lambda case: -(case.probability or 0.0))
    for percent in (100, 80, 60, 40, 20):
        kept = order[: max(1, len(order) * percent // 100)]
        near = share([abs(case.answer - case.truth) <= 1 for case in kept])
        least = Figure(min((case.probability or 0.0) for case in kept))
        rows.append(
            Row(f"P2, surest {percent} %", system, len(kept), {"least p": least, "within 1 frame": near})
        )
    return rows
