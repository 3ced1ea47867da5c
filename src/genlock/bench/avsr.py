"""``genlock bench avsr DATASET --model FOLDER``: words from sound, from lips and from both, and their shift.

A set is a prepared dataset, or a folder of films whose texts a corpus' recipe finds. Clips are judged in batches; each
case (one clip in one condition) is kept, and the table is made of cases: runs over parts of a set, or of several models
trained with different seeds, are joined by their cases.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from genlock.bench.avsr_clips import AVClip, AVClips, Disturbance, open_clips
from genlock.bench.avsr_plot import write_avsr_plot
from genlock.bench.avsr_shifts import REACH, ShiftCase, shift_cases, shift_rows
from genlock.bench.avsr_words import LIPS, Conditions, WordCase, prior_cases, word_cases, word_rows
from genlock.bench.figures import Row, machine_card, table_text
from genlock.bench.registry import Bench
from genlock.core.errors import FormatError, InputError, MissingModel, OptionError
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.drawing.sheet import plot_ending
from genlock.speech.audiovisual.checkpoint import load_recognizer
from genlock.speech.audiovisual.model import AudioVisualModel
from genlock.speech.audiovisual.search import SearchOptions
from genlock.speech.audiovisual.streams import look
from genlock.synth.noises import KINDS, NoiseKind

__all__ = ["AVSR", "BENCH_VERSION", "AvsrBench", "AvsrBenchOptions", "bench_avsr", "judge_clips"]

#: Raised whenever the protocols change: runs of different versions do not compare.
BENCH_VERSION = 1
#: What a quick run takes of levels and shifts.
_QUICK_LEVELS, _QUICK_SHIFTS = (0.0,), (-25, -12, -4, 0, 4, 12, 25)
_QUICK_BEAM = 4


@dataclass(frozen=True)
class AvsrBenchOptions:
    """What is measured."""

    model: str = ""
    """The recogniser's folder; several, joined by commas, are seeds of one model."""
    recipe: str = "speech"
    """The corpus that a folder of films is: ``speech``, ``grid``, ``lrs3``, ``talkers`` ...; it says what is said."""
    split: str = "all"
    """``train``, ``valid`` or ``test`` of a dataset, or of a corpus with official splits; ``all``: every clip."""
    speakers: tuple[str, ...] = ()
    """Only clips of these speakers, such as those that a model was not trained on; empty: everybody's."""
    limit: int | None = None
    """Take so many clips, drawn by the seed; None: all."""
    noises: tuple[NoiseKind, ...] = KINDS
    """Kinds of noise: ``white``, ``babble`` of other clips' voices, ``music``."""
    levels: tuple[float, ...] = (10.0, 5.0, 0.0, -5.0)
    """Signal-to-noise ratios in dB, -40...60."""
    shifts: tuple[int, ...] = tuple(range(-REACH, REACH + 1))
    """Frames by which the sound is made early for the word error rate over shifts, -25...25; empty: none."""
    shift_noise: NoiseKind = "white"
    """What is heard beside the shifts."""
    shift_level: float | None = 0.0
    """Its ratio in dB; None: the shifts are measured clean."""
    crossed: bool = False
    """Judge every shift beside every noise at every level as well, with a row for each shift and level: does the
    picture harm anywhere?"""
    draws: int = 1
    """Shifts that are drawn for each clip in P2, at least 1."""
    beam: int = 8
    """Hypotheses that each clip keeps; 0: the likeliest symbol of each frame by the CTC head."""
    quick: bool = False
    """Measure at 0 dB only, at seven shifts, with a beam of 4."""
    batch: int = 16
    """Clips that are computed together, at least 1."""
    processes: int = 1
    """Processes that share the batches."""
    part: str = ""
    """``2/5``: judge the second of five parts only, for machines that share a set; joined later. Empty: all."""
    join: tuple[str, ...] = ()
    """JSON files of earlier runs whose cases are joined into one table; nothing is computed then."""
    plot: str | None = None
    """Draw the word error rates into an .svg or .png."""
    seed: int = 0
    """Seed of all that is drawn, not below 0."""

    def __post_init__(self) -> None:
        if min(self.draws, self.batch, self.processes) < 1 or (self.limit is not None and self.limit < 1):
            raise OptionError(
                f"draws={self.draws}, batch={self.batch}, processes={self.processes} and limit={self.limit} are at "
                "least 1"
            )
        levels = [*self.levels, *([] if self.shift_level is None else [self.shift_level])]
        if any(not -40 <= level <= 60 for level in levels) or self.seed < 0 or self.beam < 0:
            raise OptionError(
                f"levels={levels} lie in -40...60 dB, seed={self.seed} and beam={self.beam} are not below 0"
            )
        if any(abs(shift) > REACH for shift in self.shifts):
            raise OptionError(f"shifts={self.shifts} lie in -{REACH}...{REACH} frames")
        if self.plot is not None:
            plot_ending(self.plot)
        self.parts  # noqa: B018 - a part that is none is told at birth

    @property
    def parts(self) -> tuple[int, int]:
        """Which part, from 0, and of how many."""
        if not self.part:
            return 0, 1
        number, _, count = self.part.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise OptionError(f"part={self.part!r} is not a part such as 2/5")
        return int(number) - 1, int(count)

    @property
    def models(self) -> tuple[str, ...]:
        """The folders that are named."""
        return tuple(name.strip() for name in self.model.split(",") if name.strip())

    @property
    def conditions(self) -> Conditions:
        """In what words are recognised."""
        beside = None if self.shift_level is None else Disturbance(self.shift_noise, self.shift_level)
        if not self.quick:
            return Conditions(self.noises, self.levels, self.shifts, beside, self.crossed)
        shifts = _QUICK_SHIFTS if self.shifts else ()
        return Conditions(self.noises, _QUICK_LEVELS, shifts, beside, self.crossed)

    @property
    def search(self) -> SearchOptions:
        """How words are searched for."""
        return SearchOptions(min(self.beam, _QUICK_BEAM) if self.quick else self.beam)


@dataclass(frozen=True)
class Cases:
    """What was judged, one by one."""

    words: tuple[WordCase, ...] = ()
    """Clips in conditions."""
    shifts: tuple[ShiftCase, ...] = ()
    """Planted shifts."""
    left_out: tuple[str, ...] = ()
    """Clips that could not be used, with the reason."""
    notes: tuple[str, ...] = ()
    """What was taken for granted."""

    def __add__(self, other: Cases) -> Cases:
        left_out, notes = (
            tuple(dict.fromkeys((*mine, *theirs)))
            for mine, theirs in ((self.left_out, other.left_out), (self.notes, other.notes))
        )
        return Cases((*self.words, *other.words), (*self.shifts, *other.shifts), left_out, notes)


@dataclass(frozen=True)
class AvsrBench:
    """What was found."""

    table: tuple[Row, ...]
    """One row a condition and system, then P2."""
    cases: Cases
    """What the rows are made of."""
    card: dict[str, Any] = field(default_factory=dict)
    """What was run, on what, with what."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``table[]``, ``words[]`` and ``shifts[]`` (the cases), ``left_out[]``, ``notes[]``, ``run``."""
        return {
            "table": [row.to_dict() for row in self.table],
            "words": [case.to_dict() for case in self.cases.words],
            "shifts": [case.to_dict() for case in self.cases.shifts],
            "left_out": list(self.cases.left_out),
            "notes": list(self.cases.notes),
            "run": self.card,
        }

    def __str__(self) -> str:
        left_out = (f"left out: {why}" for why in self.cases.left_out)
        return "\n".join([table_text(self.table), *left_out, *(f"note: {note}" for note in self.cases.notes)])


def bench_avsr(
    dataset: str | os.PathLike[str],
    options: AvsrBenchOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> AvsrBench:
    """Measure a recogniser of heard and seen speech; ``output`` is a JSON file that keeps the run and its cases.

    Raises
    ------
    InputError
        If no clip of the set can be used.
    MissingModel, FormatError
        If a model is not there, or is damaged or of another kind.
    """
    how = options or AvsrBenchOptions()
    if how.join:
        cases, ran = _joined(how.join), {"joined": [Path(name).name for name in how.join]}
    else:
        if not how.models:
            raise MissingModel("no recogniser is named: name its folder with --model FOLDER")
        cases, ran = Cases(), {}
        for folder in how.models:
            cases += _of_model(os.fspath(dataset), folder, how, progress)
        _refuse_twice(cases)
    if not cases.words and not cases.shifts:
        raise InputError(f"no clip of {os.fspath(dataset)!r} can be used: {'; '.join(cases.left_out[:3])}")
    rows = (*word_rows(cases.words, how.seed), *shift_rows(cases.shifts))
    card = {
        "bench": "avsr",
        "version": BENCH_VERSION,
        "dataset": Path(dataset).name,
        "clips": len({case.clip for case in cases.words if case.system == LIPS}),
        "speakers": len({case.speaker for case in cases.words}),
        "models": sorted({case.model for case in cases.words}),
        **ran,
        "options": {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(how).items()
        },
        **machine_card(),
    }
    done = AvsrBench(rows, cases, card)
    if output is not None:
        write_json(output, done.to_dict())
    if how.plot is not None:
        write_avsr_plot(
            how.plot, rows, f"{', '.join(card['models'])} on {card['clips']} clips of {card['dataset']}"
        )
    return done


# ---------------------------------------------------------------- clips


def _of_model(dataset: str, folder: str, how: AvsrBenchOptions, progress: Progress) -> Cases:
    """Every case of one model, by one process or several: batches are the same however they are shared."""
    model = load_model(folder)
    clips = open_clips(dataset, how.recipe, how.split, model.mouth)
    chosen = _chosen(clips, how)
    part, parts = how.parts
    batches = [chosen[k : k + how.batch] for k in range(0, len(chosen), how.batch)][part::parts]
    if how.processes > 1 and len(batches) > 1:
        shares = [batches[k :: how.processes] for k in range(min(how.processes, len(batches)))]
        plain = replace(how, plot=None)
        with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(_of_batches, dataset, folder, plain, share) for share in shares]
            found = _in_order([job.result() for job in jobs])
    else:
        found = _in_order([judge_clips(model, clips, batches, how, progress)])
    names = [clips.names[k] for k in chosen]
    speakers, texts = ([row[k] for k in chosen] for row in (clips.speakers, clips.texts))
    # What needs no clip is told once, by whoever judges the first part.
    prior = [] if part else prior_cases(model.name, names, speakers, texts)
    return found + Cases(tuple(prior), (), tuple(clips.left_out))


def _in_order(parts: Sequence[list[tuple[int, Cases]]]) -> Cases:
    """The cases of batches, in the order of their clips, whoever judged them."""
    found = Cases()
    for _, cases in sorted((one for part in parts for one in part), key=lambda one: one[0]):
        found += cases
    return found


def _of_batches(
    dataset: str, folder: str, how: AvsrBenchOptions, batches: Sequence[Sequence[int]]
) -> list[tuple[int, Cases]]:
    """In a process of its own."""
    model = load_model(folder)
    return judge_clips(model, open_clips(dataset, how.recipe, how.split, model.mouth), batches, how)


def load_model(folder: str) -> AudioVisualModel:
    """The recogniser of a folder."""
    return load_recognizer(folder)


def _chosen(clips: AVClips, how: AvsrBenchOptions) -> list[int]:
    kept = [k for k, speaker in enumerate(clips.speakers) if not how.speakers or speaker in how.speakers]
    missing = sorted(set(how.speakers) - set(clips.speakers))
    if missing:
        there = ", ".join(sorted(set(clips.speakers))[:20])
        raise OptionError(f"no clip is of the speaker {missing[0]!r}; there are: {there}")
    if how.limit is None or how.limit >= len(kept):
        return kept
    draw = np.random.default_rng([how.seed, 35])
    return [kept[k] for k in sorted(draw.choice(len(kept), how.limit, replace=False).tolist())]


def judge_clips(
    model: AudioVisualModel,
    clips: AVClips,
    batches: Sequence[Sequence[int]],
    how: AvsrBenchOptions,
    progress: Progress = silent,
) -> list[tuple[int, Cases]]:
    """The cases of batches of clips, each with the number of its first clip."""
    found = []
    done, total = 0, sum(map(len, batches))
    for batch in batches:
        left_out, there, crowds = [], [], []
        for number in batch:
            progress("judge", done, total)
            done += 1
            try:
                there.append(clips.read(number))
            except InputError as error:
                left_out.append(f"{clips.names[number]}: {error}")
                continue
            crowds.append(clips.crowd(number, how.seed))
        said = Cases(left_out=tuple(left_out), notes=tuple(clip.note for clip in there if clip.note))
        found.append((batch[0], _judged(model, there, crowds, how) + said))
    progress("judge", total, total)
    return found


def _judged(
    model: AudioVisualModel, clips: Sequence[AVClip], crowds: Sequence[Sequence[Any]], how: AvsrBenchOptions
) -> Cases:
    if not clips:
        return Cases()
    pictures = look(
        model, [np.asarray(clip.mouth.values) for clip in clips], [clip.mouth.valid for clip in clips]
    )
    words = word_cases(model, clips, pictures, crowds, how.conditions, how.search, how.seed)
    shifts = shift_cases(model, clips, pictures, how.seed, how.draws)
    return Cases(tuple(words), tuple(shifts))


# ---------------------------------------------------------------- joining


def _joined(files: Sequence[str]) -> Cases:
    """The cases of earlier runs.

    Raises FormatError if a file is none, or two of them judged the same clip with the same model.
    """
    found = Cases()
    for name in files:
        data = read_json_file(name)
        try:
            if data["run"]["bench"] != "avsr" or data["run"]["version"] != BENCH_VERSION:
                raise FormatError(f"{name!r} is a run of another bench, or of another version of it")
            found += Cases(
                tuple(WordCase(**case) for case in data["words"]),
                tuple(ShiftCase(**case) for case in data["shifts"]),
                tuple(data["left_out"]),
                tuple(data["notes"]),
            )
        except (KeyError, TypeError) as error:
            raise FormatError(f"{name!r} is no run of genlock bench avsr ({error})") from error
    _refuse_twice(found)
    return found


def _refuse_twice(cases: Cases) -> None:
    seen: set[tuple[str, ...]] = set()
    for case in cases.words:
        key = (case.model, case.clip, case.condition, case.system)
        if key in seen:
            model, clip, condition, system = key
            raise FormatError(
                f"two runs judged {clip!r} with {model!r} ({condition}, {system}); join parts of one set, or models "
                "with names of their own"
            )
        seen.add(key)


AVSR: Bench = Bench(
    "avsr",
    "words from sound, lips and both, in noise and out of step, and the shift by the model's own alignment (P2)",
    AvsrBenchOptions,
    bench_avsr,
    "Prepared dataset, or folder of films with their texts.",
)
