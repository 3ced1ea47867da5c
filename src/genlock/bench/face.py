"""``genlock bench face DATASET``: how truly a face moves with a voice, beside what moves without a model.

A data set is a folder of films in which one person is seen speaking, such as GRID or ``genlock synth talkers``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genlock.animation.audio2face import Audio2FaceMover
from genlock.animation.motion import Mesh
from genlock.animation.voice import Mover, TalkerMover
from genlock.bench.face_clips import FaceClip, controls, fit_line, made_by, mean_of, read_face_clip, with_lips
from genlock.bench.face_lips import LipsCase, LipsReader, lips_rows, texts_of
from genlock.bench.figures import Figure, Row, bootstrapped, machine_card, share, table_text
from genlock.bench.registry import Bench
from genlock.core.errors import InputError, MediaError, OptionError
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.lipsync.fusion import Fusion, FusionOptions
from genlock.metrics.landmarks import (
    GAINS,
    ClosureScores,
    LandmarkScores,
    aperture_track,
    closure_scores,
    gain_curve,
    landmark_scores,
)
from genlock.models.audio2face import load_audio2face
from genlock.models.talker.talker import TALKER_NAME, load_talker
from genlock.tasks.files import expand_files

__all__ = ["BENCH_VERSION", "FACE", "FaceBench", "FaceBenchOptions", "bench_face"]

#: Raised whenever the measures change: runs of different versions do not compare.
BENCH_VERSION = 2
# What a reader reads: what was made, and beside it the true motion, and two faces that say nothing of the words.
_READ_BESIDE = ("truth", "mean face", "another utterance")
# The sync estimator calls a clip in step if the offset that it finds is no larger.
_IN_STEP = 0.04


@dataclass(frozen=True)
class FaceBenchOptions:
    """What is measured."""

    model: str = TALKER_NAME
    """The talker: a name, a file or folder, or ``audio2face:FOLDER``."""
    speaker: str | None = None
    """In whose manner it speaks; None: nobody's."""
    gain: float = 1.0
    """How much more the face moves than the model says, 0...4."""
    limit: int | None = None
    """Take so many films, drawn by the seed; None: all."""
    sync: bool = True
    """Whether the sync estimator looks at every made face."""
    lips_reader: str = ""
    """A recogniser that reads the films and the made faces without sound: ``avsr:FOLDER``, or ``avsr:avsr-nano``, which
    comes with the package; empty: nobody reads. 3 to 6 s of one core a second of film."""
    texts: str = "speech"
    """Which corpus the films are, for what is said in them: ``speech`` (CLIP.txt beside each), ``grid`` ...; the truth
    of ``genlock synth talkers`` is found with each. Films without a text are not read."""
    seed: int = 0
    """Seed of all that is drawn, not below 0."""

    def __post_init__(self) -> None:
        if not 0 <= self.gain <= 4 or self.seed < 0 or (self.limit is not None and self.limit < 1):
            raise OptionError(
                f"gain={self.gain} lies in 0...4, seed={self.seed} is not below 0, limit={self.limit} at least 1"
            )


@dataclass(frozen=True)
class FaceBench:
    """What was found."""

    table: tuple[Row, ...]
    """One row a system or control: over clips, then over speakers, then the gains."""
    left_out: tuple[str, ...]
    """Films that could not be used, with the reason."""
    card: dict[str, Any] = field(default_factory=dict)
    """What was run, on what, with what."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``table[]``, ``left_out[]``, ``run``."""
        rows = [row.to_dict() for row in self.table]
        return {"table": rows, "left_out": list(self.left_out), "run": self.card}

    def __str__(self) -> str:
        return "\n".join([table_text(self.table), *(f"left out: {reason}" for reason in self.left_out)])


@dataclass(frozen=True)
class _Judged:
    """One made face of one clip."""

    speaker: str
    scores: LandmarkScores
    closures: ClosureScores
    mean_lmd: float
    """Error of the lips of the clip's own mean face."""
    speaker_lmd: float
    """The same of the mean of all the speaker's clips."""
    in_step: bool | None


def bench_face(
    dataset: str | os.PathLike[str],
    options: FaceBenchOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> FaceBench:
    """Measure a talker on a folder of films; ``output`` is a JSON file that keeps the run.

    Raises
    ------
    InputError
        If no film of the folder can be used.
    MissingModel
        If the talker or the face models are not here.
    """
    how = options or FaceBenchOptions()
    mover = _mover(how)
    clips, left_out = _read(os.fspath(dataset), how, progress)
    means = {one.speaker: mean_of([c for c in clips if c.speaker == one.speaker]) for one in clips}
    judged: dict[str, list[_Judged]] = {}
    gains: list[list[tuple[float, float]]] = []
    reader = LipsReader(how.lips_reader) if how.lips_reader else None
    said = texts_of(dataset, how.texts) if reader else {}
    read: list[LipsCase] = []
    for number, clip in enumerate(clips):
        progress("judge", number, len(clips))
        others = [other for other in clips if other is not clip]
        made = {"truth": clip.motion.points, mover.name: made_by(mover, clip, how.gain)}
        made |= controls(clip, others[number % len(others)] if others else None, fit_line(others or clips))
        still = _still_error(clip, mean_of([clip])), _still_error(clip, means[clip.speaker])
        for name, points in made.items():
            judged.setdefault(name, []).append(_judge(clip, points, still, how.sync))
        text = said.get(str(Path(clip.path).resolve()))
        if reader and text:
            try:
                read += reader.read(clip, text, _to_read(made, mover.name))
            except InputError as error:
                left_out.append(f"{clip.name}: its lips were not read: {error}")
        elif reader:
            left_out.append(
                f"{clip.name}: its lips were not read: it has no text by the recipe {how.texts!r}"
            )
        curve = gain_curve(clip.motion.points, made[mover.name])
        gains.append([(point.mouth_lmd, point.motion_energy) for point in curve])
    rows = [_row("over clips", name, each, how.seed) for name, each in judged.items()]
    rows += [_by_speaker(name, each, how.seed) for name, each in judged.items()]
    rows += lips_rows(read, how.lips_reader, how.seed)
    rows += _gain_rows(mover.name, np.array(gains), how.seed)
    card = {
        "bench": "face",
        "version": BENCH_VERSION,
        "dataset": Path(dataset).name,
        "clips": len(clips),
        "speakers": len({clip.speaker for clip in clips}),
        "closures_of": "known phones" if all(clip.known_phones for clip in clips) else "the true lips",
        "options": asdict(how),
        **machine_card(),
    }
    done = FaceBench(tuple(rows), tuple(left_out), card)
    if output is not None:
        write_json(output, done.to_dict())
    return done


def _to_read(made: Mapping[str, Track], model: str) -> dict[str, Track]:
    return {name: points for name, points in made.items() if name in (model, *_READ_BESIDE)}


def _mover(how: FaceBenchOptions) -> Mover:
    if how.model.startswith("audio2face:"):
        return Audio2FaceMover(load_audio2face(how.model.removeprefix("audio2face:")), load_talker().basis)
    return TalkerMover(load_talker(how.model), how.model, how.speaker)


def _read(dataset: str, how: FaceBenchOptions, progress: Progress) -> tuple[list[FaceClip], list[str]]:
    files, _ = expand_files([dataset])
    if how.limit is not None and how.limit < len(files):
        draw = np.random.default_rng([how.seed, 13])
        files = [files[k] for k in sorted(draw.choice(len(files), how.limit, replace=False).tolist())]
    clips, left_out = [], []
    for number, file in enumerate(files):
        progress("read", number, len(files))
        try:
            clips.append(read_face_clip(file))
        except (InputError, MediaError) as error:
            left_out.append(f"{Path(file).name}: {error}")
    if not clips:
        raise InputError(f"no film of {dataset!r} can be used: {'; '.join(left_out[:3])}")
    return clips, left_out


def _still_error(clip: FaceClip, face: Mesh) -> float:
    """Error of the lips of a face that does not move."""
    true = clip.motion.points
    return landmark_scores(
        true, true.map(lambda values: np.repeat(face[None], len(values), axis=0))
    ).mouth_lmd


def _judge(clip: FaceClip, points: Track, still: tuple[float, float], sync: bool) -> _Judged:
    scores = landmark_scores(clip.motion.points, points)
    closures = closure_scores(aperture_track(points), clip.closures, clip.level, clip.allowed)
    return _Judged(clip.speaker, scores, closures, *still, _in_step(clip, points) if sync else None)


def _in_step(clip: FaceClip, points: Track) -> bool:
    """Whether the project's own estimator finds these lips within 40 ms of this voice."""
    fusion = Fusion(FusionOptions(estimators="lips"))
    for piece in with_lips(clip, points):
        fusion.add(piece)
    offset = fusion.finish().estimate.offset_seconds
    return offset is not None and abs(offset) <= _IN_STEP


# ---------------------------------------------------------------- rows

_OF_A_CLIP: dict[str, Callable[[_Judged], float]] = {
    "LMD": lambda one: one.scores.lmd,
    "mouth LMD": lambda one: one.scores.mouth_lmd,
    "aperture r": lambda one: one.scores.aperture_correlation,
    "velocity": lambda one: one.scores.velocity_error,
    "energy": lambda one: one.scores.motion_energy,
    "lag ms": lambda one: float("nan") if one.scores.lag_seconds is None else 1000 * one.scores.lag_seconds,
}

#: By what share the error of the lips lies below that of a face that does not move: the clip's own mean, the speaker's
#: mean. As the cards of talkers have it: of the mean errors, not the mean of each clip's share.
_BELOW: dict[str, Callable[[_Judged], float]] = {
    "below mean": lambda one: one.mean_lmd,
    "below speaker's mean": lambda one: one.speaker_lmd,
}


def _row(protocol: str, system: str, judged: Sequence[_Judged], seed: int) -> Row:
    figures = {name: _mean([take(one) for one in judged], seed) for name, take in _OF_A_CLIP.items()}
    for name, of in _BELOW.items():
        errors = np.array([(one.scores.mouth_lmd, of(one)) for one in judged], np.float64)
        figures[name] = bootstrapped(errors, _share_below, seed)
    figures["closures"] = _pooled(judged, lambda c: (c.made, c.wanted), seed)
    figures["false"] = _pooled(judged, lambda c: (c.false_runs, c.runs), seed)
    known = [one.in_step for one in judged if one.in_step is not None]
    figures["in step"] = share(known)
    return Row(protocol, system, len(judged), figures)


def _share_below(errors: Any) -> float:
    """From errors [N, 2]: of what was made, of what does not move."""
    made, still = np.mean(errors, axis=0)
    return float(1 - made / max(still, 1e-9))


def _by_speaker(system: str, judged: Sequence[_Judged], seed: int) -> Row:
    """Each speaker counts once; speakers are resampled."""
    groups: dict[str, list[_Judged]] = {}
    for one in judged:
        groups.setdefault(one.speaker, []).append(one)
    figures = {}
    for name, take in _OF_A_CLIP.items():
        own = [[value for one in group if np.isfinite(value := take(one))] for group in groups.values()]
        figures[name] = _mean([float(np.mean(values)) for values in own if values], seed)
    for name, of in _BELOW.items():
        pairs = [np.array([(one.scores.mouth_lmd, of(one)) for one in group]) for group in groups.values()]
        figures[name] = _mean([_share_below(each) for each in pairs], seed)
    return Row("over speakers", system, len(groups), figures)


def _gain_rows(system: str, curves: Any, seed: int) -> list[Row]:
    return [
        Row(
            f"gain {gain:g}",
            system,
            len(curves),
            {"mouth LMD": _mean(curves[:, k, 0], seed), "energy": _mean(curves[:, k, 1], seed)},
        )
        for k, gain in enumerate(GAINS)
    ]


def _mean(values: Any, seed: int) -> Figure:
    known = np.asarray(values, np.float64)
    return bootstrapped(known[np.isfinite(known)], np.mean, seed)


def _pooled(judged: Sequence[_Judged], take: Callable[[ClosureScores], tuple[int, int]], seed: int) -> Figure:
    """A share of all closures, with clips resampled."""
    counts = np.array([take(one.closures) for one in judged], np.float64)
    if not counts[:, 1].sum():
        return Figure(float("nan"))
    return bootstrapped(counts, lambda c: c[:, 0].sum() / max(c[:, 1].sum(), 1e-9), seed)


FACE = Bench(
    "face",
    "faces that move with a voice: landmarks, motion, closures, lag, sync; the mean face, a line, shifted truth",
    FaceBenchOptions,
    bench_face,
    "Folder of films in which one person is seen speaking.",
)
