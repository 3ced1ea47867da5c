"""Word error rates of a recogniser that hears and sees: by stream, by noise, and by how far the streams are apart.

Every condition is judged for the sound alone as well, on the same clips with the same noise: whether the picture helps
or harms is read off pairs, not off two tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.bench.avsr_clips import AVClip, Disturbance
from genlock.bench.figures import Figure, Row
from genlock.core.one_line import one_line
from genlock.data.splits import place_of
from genlock.metrics.words import normal_words, word_errors
from genlock.speech.audiovisual.model import AudioVisualModel, Encoded, Rows
from genlock.speech.audiovisual.search import SearchOptions, search
from genlock.speech.audiovisual.streams import Fused, Picture, fuse, hear
from genlock.synth.noises import NoiseKind

__all__ = [
    "BOTH",
    "CLEAN",
    "LIPS",
    "SOUND",
    "UNALIGNED",
    "Conditions",
    "WordCase",
    "prior_cases",
    "word_cases",
    "word_rows",
]

Counts: TypeAlias = npt.NDArray[np.float64]

_RESAMPLES = 400
_SEEDS = ("lowest seed", "highest seed")
#: What is judged, as the table calls it.
SOUND, LIPS, BOTH, UNALIGNED = "sound", "lips", "both", "both, not aligned"
_OTHERS_LIPS, _NOTHING = "both, another clip's lips", "neither"
CLEAN = "clean"
_PRIOR = "no stream"


@dataclass(frozen=True)
class Conditions:
    """In what recognisers are judged."""

    noises: tuple[NoiseKind, ...]
    """Kinds of noise."""
    levels: tuple[float, ...]
    """Signal-to-noise ratios in dB, from easy to hard."""
    shifts: tuple[int, ...]
    """Frames by which the sound is made early, in order."""
    beside: Disturbance | None
    """The noise beside the shifts; None: clean."""
    crossed: bool = False
    """Whether every shift is judged beside every noise at every level, too."""

    @property
    def all(self) -> tuple[Disturbance | None, ...]:
        """Clean, then every noise at every level."""
        return (None, *(Disturbance(kind, level) for kind in self.noises for level in self.levels))

    def shift_name(self, shift: int) -> str:
        """A shift, as the table calls it.

        >>> Conditions((), (), (3,), None).shift_name(3)
        'shift +3, clean'
        """
        return shift_name(shift, self.beside)


def shift_name(shift: int, disturbed: Disturbance | None) -> str:
    """A shift beside a noise, as the table calls it."""
    return f"shift {shift:+d}, {disturbed or CLEAN}"


@dataclass(frozen=True)
class WordCase:
    """One clip in one condition, and what was written."""

    model: str
    """Who wrote it."""
    clip: str
    """Name of the clip."""
    speaker: str
    """Who speaks."""
    condition: str
    """Noise and shift, in words."""
    system: str
    """Which streams, or which control."""
    errors: int
    """Words that are wrong, missing or too many."""
    words: int
    """Words that were said."""
    text: str
    """What was written."""
    moved: int = 0
    """Frames by which the recogniser moved the picture."""
    looked: bool = True
    """Whether it took the picture to help."""
    shift_probability: float | None = None
    """How sure it was of the shift by which the picture lies; None: it was not asked, or does not say."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form."""
        return asdict(self)


def word_cases(
    model: AudioVisualModel,
    clips: Sequence[AVClip],
    pictures: Sequence[Picture],
    crowds: Sequence[Sequence[Any]],
    conditions: Conditions,
    how: SearchOptions,
    seed: int,
) -> Iterator[WordCase]:
    """Every condition on a batch of clips.

    Parameters
    ----------
    pictures : the clips after the picture's front end
    crowds : voices of the babble beside each clip
    """
    judge = _Judge(model, clips, how)
    lips = [picture.part(len(clip)) for picture, clip in zip(pictures, clips, strict=True)]
    yield from judge(CLEAN, LIPS, model.encode(None, lips))
    yield from judge(_PRIOR, _NOTHING, model.encode(None, [np.zeros_like(rows) for rows in lips]))
    others = [*pictures[1:], *pictures[:1]] if len(pictures) > 1 else []
    for disturbed in conditions.all:
        name = CLEAN if disturbed is None else str(disturbed)
        heard = _heard(model, clips, crowds, disturbed, seed)
        alone = model.encode(heard, None)
        yield from judge(name, SOUND, alone)
        yield from judge.fused(name, BOTH, fuse(model, heard, pictures, alone=alone))
        if others:
            yield from judge.fused(name, _OTHERS_LIPS, fuse(model, heard, others, alone=alone))
    if conditions.shifts:
        yield from _shifted(
            judge, pictures, _heard(model, clips, crowds, conditions.beside, seed), conditions
        )
    for disturbed in conditions.all if conditions.crossed else ():
        if disturbed != conditions.beside:
            yield from _crossed(
                judge, pictures, _heard(model, clips, crowds, disturbed, seed), disturbed, conditions
            )


def _shifted(
    judge: _Judge, pictures: Sequence[Picture], heard: Sequence[Rows], conditions: Conditions
) -> Iterator[WordCase]:
    """The picture moved by every shift; the sound stays, so its own row is the same in each."""
    model = judge.model
    alone = model.encode(heard, None)
    written = list(judge(CLEAN, SOUND, alone))
    for shift in conditions.shifts:
        name = conditions.shift_name(shift)
        moved = [picture.moved(shift) for picture in pictures]
        yield from (replace(case, condition=name) for case in written)
        yield from judge.fused(name, UNALIGNED, fuse(model, heard, moved, align=False, gate=False))
        yield from judge.fused(name, BOTH, fuse(model, heard, moved, alone=alone))


def _crossed(
    judge: _Judge,
    pictures: Sequence[Picture],
    heard: Sequence[Rows],
    disturbed: Disturbance | None,
    conditions: Conditions,
) -> Iterator[WordCase]:
    """Every shift beside one more noise: only whether the picture harms is asked."""
    alone = judge.model.encode(heard, None)
    written = list(judge(CLEAN, SOUND, alone))
    for shift in conditions.shifts:
        name, moved = shift_name(shift, disturbed), [picture.moved(shift) for picture in pictures]
        yield from (replace(case, condition=name) for case in written)
        yield from judge.fused(name, BOTH, fuse(judge.model, heard, moved, alone=alone))


def _heard(
    model: AudioVisualModel,
    clips: Sequence[AVClip],
    crowds: Sequence[Sequence[Any]],
    disturbed: Disturbance | None,
    seed: int,
) -> list[Rows]:
    sounds = [clip.heard(disturbed, crowd, seed) for clip, crowd in zip(clips, crowds, strict=True)]
    return hear(model, sounds)


class _Judge:
    """Spells a batch and counts what is wrong."""

    def __init__(self, model: AudioVisualModel, clips: Sequence[AVClip], how: SearchOptions) -> None:
        self.model, self.clips, self.how = model, clips, how

    def __call__(self, condition: str, system: str, encoded: Sequence[Encoded]) -> Iterator[WordCase]:
        for clip, best in zip(self.clips, search(self.model, encoded, self.how), strict=True):
            yield _case(self.model.name, clip.name, clip.speaker, condition, system, clip.text, best[0].text)

    def fused(self, condition: str, system: str, fused: Fused) -> Iterator[WordCase]:
        """The same, with what was done to the picture."""
        for number, case in enumerate(self(condition, system, fused.encoded)):
            shift = fused.shifts[number]
            sure = None if shift is None else shift.probability
            yield replace(case, moved=fused.used[number], looked=fused.looked[number], shift_probability=sure)


def _case(model: str, clip: str, speaker: str, condition: str, system: str, said: str, text: str) -> WordCase:
    errors = word_errors(said, text)
    return WordCase(model, clip, speaker, condition, system, errors.total, errors.true_words, text)


def prior_cases(
    model: str, names: Sequence[str], speakers: Sequence[str], texts: Sequence[str]
) -> list[WordCase]:
    """What can be written without a look at the clip: the text of another one, and the likeliest word of each place.

    Which other one is drawn by the hashes of their names: neighbours in a list of files often begin alike.

    >>> cases = prior_cases("m", ["a", "b", "c"], [""] * 3, ["set red", "set blue", "lay blue"])
    >>> [(case.clip, case.text) for case in cases if case.system == "likeliest words"]
    [('a', 'lay blue'), ('b', 'lay blue'), ('c', 'set blue')]
    """
    said = [normal_words(text) for text in texts]
    places = max(map(len, said), default=0)
    counts = [Counter(words[place] for words in said if len(words) > place) for place in range(places)]
    drawn = sorted(range(len(names)), key=lambda number: place_of(names[number]))
    following = dict(zip(drawn, [*drawn[1:], *drawn[:1]], strict=True))
    found = []
    for number, (name, speaker, text) in enumerate(zip(names, speakers, texts, strict=True)):
        if len(texts) < 2:
            break
        other = texts[following[number]]
        found.append(_case(model, name, speaker, _PRIOR, "another clip's text", text, other))
        likeliest = [_likeliest(count, said[number][place : place + 1]) for place, count in enumerate(counts)]
        found.append(_case(model, name, speaker, _PRIOR, "likeliest words", text, " ".join(likeliest)))
    return found


def _likeliest(count: Counter[str], own: Sequence[str]) -> str:
    """The commonest word of a place, the clip's own left out of the count; of equals the first of the alphabet."""
    others = count - Counter(own)
    return min(others, key=lambda word: (-others[word], word), default="")


# ---------------------------------------------------------------- rows


def word_rows(cases: Sequence[WordCase], seed: int) -> list[Row]:
    """A row for each condition and system; where there is a row of the sound alone, how the pairs differ from it."""
    groups: dict[tuple[str, str], list[WordCase]] = {}
    for case in cases:
        groups.setdefault((case.condition, case.system), []).append(case)
    rows = []
    for (condition, system), each in groups.items():
        alone = groups.get((condition, SOUND)) if system.startswith(BOTH) else None
        rows.append(_row(f"WER, {condition}", system, each, alone, seed))
    return [*rows, *_crossed_rows(groups, seed), *_harm_rows(groups, seed)]


def _crossed_rows(groups: dict[tuple[str, str], list[WordCase]], seed: int) -> list[Row]:
    """Where shifts are crossed with noises: every shift at every level, all kinds of noise together, and all of it."""
    cells: dict[tuple[int, str], list[str]] = {}
    for condition, system in groups:
        if condition.startswith("shift ") and system == BOTH:
            shift, _, noise = condition.removeprefix("shift ").partition(", ")
            # "babble -5 dB" is at -5 dB.
            cells.setdefault((int(shift), noise.partition(" ")[2] or CLEAN), []).append(condition)
    if len({level for _, level in cells}) < 2:
        return []
    everything = [condition for each in cells.values() for condition in each]
    named = {f"{level}, shift {shift:+d}": each for (shift, level), each in cells.items()}
    return [
        _row(f"any noise, {name}", BOTH, _together(groups, each, BOTH), _together(groups, each, SOUND), seed)
        for name, each in {**named, "every level, every shift": everything}.items()
    ]


def _together(
    groups: dict[tuple[str, str], list[WordCase]], conditions: Sequence[str], system: str
) -> list[WordCase]:
    return [case for condition in conditions for case in groups[condition, system]]


def _row(
    protocol: str, system: str, cases: Sequence[WordCase], alone: Sequence[WordCase] | None, seed: int
) -> Row:
    """Every row has every figure, so that there is one table; what makes no sense for a system is unknown."""
    sums, unknown = _sums(cases, alone), Figure(float("nan"))
    models = _of_models(cases)
    figures = dict.fromkeys(
        ("WER", *_SEEDS, "points over sound", "less than sound", "looked", "moved"), unknown
    )
    figures["WER"] = _figure(sums, _rate, seed)
    if len(models) > 1:
        figures |= dict(zip(_SEEDS, (Figure(min(models)), Figure(max(models))), strict=True))
    if alone is not None:
        figures["points over sound"] = _figure(sums, _points, seed)
        figures["less than sound"] = _figure(sums, _relative, seed)
        figures["looked"] = Figure(float(np.mean([case.looked for case in cases])))
        figures["moved"] = Figure(float(np.mean([case.moved != 0 for case in cases])))
    return Row(protocol, system, len(cases), figures)


def _harm_rows(groups: dict[tuple[str, str], list[WordCase]], seed: int) -> list[Row]:
    """The condition in which the picture harms most, over all clips and of each speaker."""
    judged = {
        condition: (each, groups[condition, SOUND])
        for (condition, system), each in groups.items()
        if system == BOTH and (condition, SOUND) in groups
    }
    speakers = sorted({case.speaker for each, _ in judged.values() for case in each})
    found = []
    for speaker in [None, *(speakers if len(speakers) > 1 else [])]:
        sums = {
            condition: _sums(*([case for case in side if speaker in (None, case.speaker)] for side in sides))
            for condition, sides in judged.items()
        }
        if not sums:
            continue
        worst = max(sums, key=lambda condition: float(_points(sums[condition].sum(axis=0))))
        name = "most harm" if speaker is None else f"most harm, {speaker or 'unknown'}"
        harm = {"points over sound": _figure(sums[worst], _points, seed)}
        found.append(Row(f"{name}: {worst}", BOTH, len(sums[worst]), harm))
    return found


def _sums(cases: Sequence[WordCase], alone: Sequence[WordCase] | None = None) -> Counts:
    """Errors, errors of the sound alone, and words of each clip over all models, [clips, 3]: clips are resampled, not
    seeds."""
    sums: dict[str, list[int]] = {}
    for place, side in enumerate((cases, alone or ())):
        for case in side:
            of_clip = sums.setdefault(case.clip, [0, 0, 0])
            of_clip[place] += case.errors
            of_clip[2] += case.words if place == 0 else 0
    return np.array(list(sums.values()), np.float64).reshape(-1, 3)


def _figure(sums: Counts, measure: Callable[[Counts], Counts], seed: int) -> Figure:
    """A measure of the totals [..., 3] of clips, and its 95 % interval over resampled clips."""
    if not len(sums):
        return Figure(float("nan"))
    drawn = np.random.default_rng(seed).integers(0, len(sums), (_RESAMPLES, len(sums)))
    low, high = np.percentile(measure(sums[drawn].sum(axis=1)), [2.5, 97.5])
    return Figure(float(measure(sums.sum(axis=0))), float(low), float(high))


def _rate(totals: Counts) -> Counts:
    return np.asarray(totals[..., 0] / np.maximum(totals[..., 2], 1e-9))


def _points(totals: Counts) -> Counts:
    """Word error rate less that of the sound alone, in points of a hundred."""
    return np.asarray(100 * (totals[..., 0] - totals[..., 1]) / np.maximum(totals[..., 2], 1e-9))


def _relative(totals: Counts) -> Counts:
    """Share of the sound's errors that are gone; 0 where it made none."""
    return np.asarray(
        np.where(totals[..., 1] > 0, 1 - totals[..., 0] / np.maximum(totals[..., 1], 1e-9), 0.0)
    )


def _of_models(cases: Sequence[WordCase]) -> list[float]:
    names = sorted({case.model for case in cases})
    own = [[case for case in cases if case.model == name] for name in names]
    return [sum(c.errors for c in each) / max(sum(c.words for c in each), 1) for each in own]
