"""``genlock sync``: is the sound in step with the picture, by how much not, and put it in step."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any, ClassVar

from genlock.core.errors import MissingDependency, MissingModel, OptionError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import exact
from genlock.extractors.face.tracking import FaceOptions
from genlock.extractors.face.watching import FaceWatch
from genlock.lipsync.estimators.base import DEFAULT as DEFAULT_ESTIMATORS
from genlock.lipsync.estimators.base import SILENT, Estimate
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import EvidenceCollector
from genlock.lipsync.fusion import Fusion, FusionOptions
from genlock.lipsync.measurement import FaceOffset, Segment, SyncMeasurement
from genlock.lipsync.repair import Repair, move_by_hand, refusal_of, repair_file, repair_target
from genlock.lipsync.spread import PartsRead
from genlock.lipsync.summary import best_guess_of, headline_of, is_known, told_offsets, verdicts_of
from genlock.lipsync.two_recordings import match_sounds
from genlock.lipsync.verdicts import EMITTED, Verdict, early_or_late, sentence_of
from genlock.media import Consumer, MediaInfo, ReadOptions, probe
from genlock.media.background import Background
from genlock.media.marker_files import require_marker_ending
from genlock.media.opening import is_url
from genlock.media.retime import number_of_the_sound
from genlock.pipeline import ClipRequest, read_clip
from genlock.report import plot_ending, sync_picture, write_sync_plot
from genlock.tasks.sync_markers import write_sync_markers
from genlock.tasks.sync_sounds import repair_each
from genlock.tasks.sync_windows import measure_windows

__all__ = [
    "SyncOptions",
    "SyncProbe",
    "SyncResult",
    "SyncRow",
    "WithVerdicts",
    "not_measured",
    "repair_refusal",
    "sync_options_of_each",
    "sync_video",
]

_MOST_FACES = 4  # that are named one by one
# What an estimator looks at, for people.
_SEEN = {"lips": "lip movement", "motion": "motion alone", "flash-beep": "flashes and beeps"}
_FARTHEST_MS = 3_600_000.0  # that a sound is moved by hand
_WIDTH, _NAME_COLUMN = (
    80,
    22,
)  # characters of a line of the table, whose remarks stand below, and of a file's name in it


@dataclass(frozen=True)
class SyncOptions:
    """Options of ``genlock sync``."""

    fix: str | None = None
    """File (or folder) to write a repaired copy to: the sound that was measured is moved by the offset, all else stays
    as it is; then measured again. Refused if that is not better."""
    by: float | None = None
    """With --fix: move the sound by so many milliseconds, as somebody has heard that it must (positive: later),
    whatever is measured; the report's page says how many."""
    all_sound: bool = False
    """Move every sound of the file in the repaired copy, not only the one that was measured."""
    each_sound: bool = False
    """Measure every sound of the file by itself, tell the offset of each, and move each by its own in the repaired
    copy. A pass over the file for each of them."""
    against: str | None = None
    """Another recording of the same event: the sound is then compared with its sound, and not with the picture."""
    plot: str | None = None
    """Picture of the measurement to write: .svg or .png (for several files, a folder)."""
    markers: str | None = None
    """File to write markers to, for editing programs, one on each stretch with the offset of its sound: .otio, .fcpxml,
    .edl or .csv (for several files, a folder of .csv)."""
    least_probability: float = 0.5
    """How sure the measurement must be for a repair: probability of an error of at most 40 ms, 0...1."""
    estimators: str = DEFAULT_ESTIMATORS
    """The estimators that measure, in this order: names and commas. The first that sees something answers."""
    thorough: bool = False
    """Read all of a long film. Else windows spread over it are read, and more of them where they disagree; the report
    says which."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams, and which part of them."""

    def __post_init__(self) -> None:
        if not 0 <= self.least_probability <= 1:
            raise OptionError(f"least_probability={self.least_probability} lies outside 0...1")
        if self.by is not None and (
            self.fix is None or self.each_sound or not 0 < abs(self.by) <= _FARTHEST_MS
        ):
            raise OptionError(
                f"by={self.by} milliseconds moves the sound of a copy: give fix as well, leave each_sound out, "
                f"and move it by at most {_FARTHEST_MS:.0f}, not by 0"
            )
        if self.each_sound and (self.all_sound or self.against is not None):
            raise OptionError(
                "each_sound measures every sound by itself and against the picture: leave all_sound and against out"
            )


@dataclass(frozen=True, eq=False)
class SyncResult:
    """The offset of sound against picture, what it means, and what was done about it."""

    measurement: SyncMeasurement
    """Everything that was measured."""
    container_offset_seconds: float | None
    """Start of the sound minus start of the picture, a fact of the file; None if one is missing."""
    notes: tuple[str, ...] = ()
    """What to beware of, and what the reader had to repair or leave out."""
    repair: Repair | None = None
    """What became of ``fix``; None if it was not asked for."""
    against: str | None = None
    """The recording that the sound was compared with; None: its own picture."""
    read: PartsRead | None = None
    """Which parts of a long film were read; None: all of it was."""
    sounds: tuple[SyncResult, ...] = ()
    """What each sound of the file says, by its number, where each was measured (``each_sound``); else none. What is
    said beside it is that of the sound that was asked for, or the default one."""
    unavailable: MissingModel | MissingDependency | None = None
    """What this machine lacks for an answer, where it could not be given for want of it."""

    def __repr__(self) -> str:
        sure = "" if self.probability is None else f", p {self.probability:.2f}"
        return f"SyncResult({self.short}{sure})"

    def _repr_html_(self) -> str:
        """For notebooks: the sentence, what it rests on, and the curve."""
        told = "".join(f"<p>{escape(line)}</p>" for line in str(self).splitlines())
        drawn = sync_picture(self.measurement) if self.measurement.estimate.curve is not None else ""
        return told + drawn

    @property
    def short(self) -> str:
        """The answer in a few words."""
        if not is_known(self.measurement):
            return "offset unknown" if self.reason != "not measured" else "offset not measured"
        return told_offsets(self.measurement).removeprefix("the ").replace("sound is ", "sound ")[:120]

    @property
    def offset_seconds(self) -> float | None:
        """Positive: the sound is early; None: unknown."""
        return self.measurement.estimate.offset_seconds

    @property
    def interval_seconds(self) -> tuple[float, float] | None:
        """90 % interval of the offset."""
        return self.measurement.estimate.interval_seconds

    @property
    def probability(self) -> float | None:
        """That the error is at most 40 ms, 0...1."""
        return self.measurement.estimate.probability

    @property
    def reason(self) -> str:
        """Why the offset is unknown, or what to beware of."""
        return self.measurement.estimate.reason

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What the standards say of the whole film: of its worst part, of both ends of a drift."""
        return verdicts_of(self.measurement)

    @property
    def in_step(self) -> bool | None:
        """Whether all of it, and every sound that was measured, may be sent by EBU R37; None: that cannot be told."""
        if self.sounds:
            answers = [sound.in_step for sound in self.sounds]
            return False if False in answers else None if None in answers else True
        answer = {verdict.limit.key: verdict.result for verdict in self.verdicts}[EMITTED.key]
        return None if answer == "cannot tell" else answer == "passes"

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        said = headline_of(self.measurement)
        return said if self.against is None else f"against {Path(self.against).name}: {said}"

    @property
    def basis(self) -> str:
        """How sure the offset is and what it rests on, in words; empty where there is none."""
        estimate = self.measurement.estimate
        if estimate.probability is None:
            return ""
        by = _SEEN.get(estimate.estimator, estimate.estimator)
        rests_on = f"{estimate.seconds:.1f} s of {by}{_whose(self.measurement)}"
        return f"{100 * estimate.probability:.0f} % sure to within 40 ms ({rests_on})"

    def to_dict(self) -> dict[str, Any]:
        """The keys that programs may rely on; all offsets positive where the sound is early."""
        found = self.measurement
        interval, drift = self.interval_seconds, found.drift_interval_ppm
        return {
            "offset_seconds": self.offset_seconds,
            "interval_seconds": None if interval is None else list(interval),
            "probability": self.probability,
            "known": is_known(self.measurement),
            "belongs": found.estimate.belongs,
            "if_it_belongs": _supposed(found.estimate),
            "at_seconds": float(found.at),
            "drift_ppm": found.drift_ppm,
            "drift_interval_ppm": None if drift is None else list(drift),
            "segments": [_segment(part) for part in found.segments],
            "pieces": [_segment(part) for part in found.pieces],
            "faces": [_face(face) for face in found.faces],
            "estimator": found.estimate.estimator,
            "against": self.against,
            "measured_seconds": found.estimate.seconds,
            "read": None if self.read is None else self.read.to_dict(),
            "container_offset_seconds": self.container_offset_seconds,
            "reason": self.reason,
            "in_step": self.in_step,
            "verdicts": {verdict.limit.key: verdict.to_dict() for verdict in self.verdicts},
            "sentence": self.sentence,
            "notes": list(self.notes),
            "repair": None if self.repair is None else self.repair.to_dict(),
            "sounds": [sound.to_dict() for sound in self.sounds],
        }

    def __str__(self) -> str:
        if self.sounds:
            return "\n".join(f"sound {number}: {sound}" for number, sound in enumerate(self.sounds))
        lines = [self.sentence, *self._basis(), *self._changes()]
        lines += [f"note: {note}" for note in self.notes]
        if self.repair is not None:
            lines.append(str(self.repair))
        return "\n".join(lines)

    def _basis(self) -> list[str]:
        """What the answer rests on."""
        estimate = self.measurement.estimate
        if estimate.probability is None:
            return _doubtful(estimate)
        guess = best_guess_of(self.measurement)
        noted = estimate.reason == "; ".join(self.measurement.notes)  # the notes say it once more
        return [
            *([guess] if guess is not None else []),
            self.basis,
            *([f"beware: {estimate.reason}"] if estimate.reason and not noted else []),
            *([str(self.read)] if self.read is not None else []),
        ]

    def _changes(self) -> list[str]:
        """Drift and splices, where there are any."""
        found, lines = self.measurement, []
        low, high = found.drift_interval_ppm or (0.0, 0.0)
        if found.drift_ppm is not None and (low > 0 or high < 0):
            lines.append(
                f"drift: {found.drift_ppm:+.0f} ppm ({found.drift_ppm * 3.6:+.0f} ms an hour), "
                f"the offset holds at {float(found.at):.1f} s"
            )
        if len(found.segments) > 1:
            for part in found.segments:
                said = sentence_of(part.offset_seconds, part.interval_seconds, part.reason, meaning="")
                lines.append(f"{float(part.start):9.3f} to {float(part.end):9.3f} s: {said}")
        return lines


def _whose(found: SyncMeasurement) -> str:
    """By which mouths, in words."""
    count = len(found.faces)
    speaking = [face.face for face in found.faces if face.speaks]
    if found.estimate.face is not None:
        return f", face {found.estimate.face}, of {count} that are seen" if count > 1 else ""
    if not 1 < len(speaking) <= _MOST_FACES:
        return f", {len(speaking)} of {count} faces" if speaking else ""
    who = f"{', '.join(map(str, speaking[:-1]))} and {speaking[-1]}"
    return f", faces {who}, of {count} that are seen"


def _doubtful(estimate: Estimate) -> list[str]:
    """What is known where no offset is given: how likely the sound belongs, and where it would lie."""
    if estimate.belongs is None or estimate.supposed_interval is None or estimate.supposed_seconds is None:
        return []
    low, high = (1000 * end for end in estimate.supposed_interval)
    return [
        f"the sound belongs to that mouth with probability {estimate.belongs:.2f}; if it does, it is "
        f"{early_or_late(estimate.supposed_seconds)} (90 %: {low:.0f} to {high:.0f})"
    ]


def _supposed(estimate: Estimate) -> dict[str, Any] | None:
    """The offset if the sound belongs to the mouth that was compared; None where no mouth was."""
    interval = estimate.supposed_interval
    if interval is None:
        return None
    return {"offset_seconds": estimate.supposed_seconds, "interval_seconds": list(interval)}


def _segment(part: Segment) -> dict[str, Any]:
    interval = part.interval_seconds
    return {
        "start_seconds": float(part.start),
        "end_seconds": float(part.end),
        "offset_seconds": part.offset_seconds,
        "interval_seconds": None if interval is None else list(interval),
        "probability": part.probability,
        "reason": part.reason,
        "face": part.face,
    }


def _face(face: FaceOffset) -> dict[str, Any]:
    return {
        "face": face.face,
        "seconds": face.seconds,
        "share": face.share,
        "offset_seconds": face.offset_seconds,
        "probability": face.probability,
        "speaks": face.speaks,
        "reason": face.reason,
    }


@dataclass(frozen=True, eq=False)
class WithVerdicts:
    """A result, or its line of a table, with what each standard says below it."""

    shown: SyncResult | SyncRow
    """What is printed first."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """The keys of the result, which has the verdicts anyway."""
        return self.shown.to_dict()

    def __str__(self) -> str:
        result = self.shown.result if isinstance(self.shown, SyncRow) else self.shown
        each = [(f"sound {number}, ", one) for number, one in enumerate(result.sounds)] or [("", result)]
        lines = [f"  {of}{verdict}" for of, one in each for verdict in one.verdicts]
        return "\n".join([str(self.shown), *lines])


@dataclass(frozen=True, eq=False)
class SyncRow:
    """A result as one line of a table of several files."""

    file: str
    """The file, as it was named."""
    result: SyncResult
    """What was measured."""

    HEAD: ClassVar[str] = (
        f"{'file':{_NAME_COLUMN}}  {'offset':>8}  {'90 %, ms':>14}  {'p':>4}  {'EBU R37':11}  BT.1359"
    )

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """The keys of the result."""
        return self.result.to_dict()

    def __str__(self) -> str:
        result, name = self.result, Path(self.file).name
        if len(name) > _NAME_COLUMN:
            name = "…" + name[1 - _NAME_COLUMN :]
        answers = {verdict.limit.key: verdict.result for verdict in result.verdicts}
        offset, within, sure = "unknown", "", ""
        known = is_known(result.measurement)
        if known and result.offset_seconds is not None and result.interval_seconds is not None:
            offset = f"{_signed(result.offset_seconds)} ms"
            within = " to ".join(map(_signed, result.interval_seconds))
            sure = f"{result.probability or 0:.2f}"
        repair = "" if result.repair is None else f"repair: {result.repair.status}"
        unsure = "" if known or result.offset_seconds is None else result.sentence.removeprefix("unknown: ")
        said = (repair, unsure, result.reason, *result.notes[:1])
        remark = "; ".join(dict.fromkeys(part for part in said if part))
        row = (
            f"{name:{_NAME_COLUMN}}  {offset:>8}  {within:>14}  {sure:>4}  {answers['ebu_r37_emission']:11}  "
            f"{answers['itu_bt1359_acceptable']}"
        )
        return "\n".join([row, *wrap(remark, _WIDTH, initial_indent="    ", subsequent_indent="    ")])


def _signed(seconds: float) -> str:
    """Whole milliseconds with their sign; nought has none."""
    text = f"{seconds * 1000:+.0f}"
    return text if float(text) else "0"


def sync_options_of_each(files: Sequence[str], options: SyncOptions, many: bool) -> dict[str, SyncOptions]:
    """The options for each of several files: where ``fix``, ``plot``, ``markers`` are folders, a file of its own there.

    >>> each = sync_options_of_each(["a/talk.mp4", "b/talk.mp4"], SyncOptions(fix="out", plot="out"), many=True)
    >>> [(own.fix, own.plot) for own in each.values()]
    [('out/talk.mp4', 'out/talk.svg'), ('out/talk-2.mp4', 'out/talk-2.svg')]
    """
    if not many:
        return dict.fromkeys(files, options)
    chosen, taken = {}, set()
    for file in files:
        name = Path(file.split("?")[0] if is_url(file) else file)
        free, number = name.stem, 2
        while (free, name.suffix) in taken or (options.plot is not None and (free, "") in taken):
            free, number = f"{name.stem}-{number}", number + 1
        taken |= {(free, name.suffix), (free, "")}
        fix = None if options.fix is None else str(Path(options.fix) / f"{free}{name.suffix}")
        plot = None if options.plot is None else str(Path(options.plot) / f"{free}.svg")
        markers = None if options.markers is None else str(Path(options.markers) / f"{free}.csv")
        chosen[file] = replace(options, fix=fix, plot=plot, markers=markers)
    return chosen


class SyncProbe:
    """Measures the offset out of a pass over a file: hand its consumers to the pass, then ask for the result.

    Faces take about as long as decoding does, so they are looked for in a thread of their own, which ``close`` (or
    ``with``) ends.

    Parameters
    ----------
    estimators : who measures, names separated by commas
    watch : of faces, where features are made of them too; its consumers are among these
    """

    def __init__(self, estimators: str = DEFAULT_ESTIMATORS, watch: FaceWatch | None = None) -> None:
        self._fusion = Fusion(FusionOptions(estimators=estimators))
        self._watchers: tuple[Callable[[Evidence], None], ...] = (self._fusion.add,)
        asked = self._fusion
        self._collector = EvidenceCollector(
            self._tell,
            asked.piece_seconds,
            faces=FaceOptions() if asked.by_faces else None,
            watch=watch,
            mouths=asked.mouths,
            sight=asked.sight,
        )
        self._background = Background(self._collector.consumers)

    def __enter__(self) -> SyncProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread."""
        self._background.close()

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The consumers that the pass has to feed."""
        return self._background.consumers

    @property
    def missing(self) -> tuple[str, ...]:
        """What cannot be looked at here, each with its reason: faces, where their models are not there."""
        return self._collector.missing

    def watch(self, watcher: Callable[[Evidence], None]) -> None:
        """Tell somebody else what is seen, too; said before the pass begins."""
        self._watchers = (*self._watchers, watcher)

    def _tell(self, evidence: Evidence) -> None:
        for watcher in self._watchers:
            watcher(evidence)

    @property
    def face_watch(self) -> FaceWatch | None:
        """Who looks for faces, with sinks to which more may be added before the pass; None: nobody does."""
        return self._collector.watch

    def result(self, info: MediaInfo, notes: tuple[str, ...] = ()) -> SyncResult:
        """What was found, after the pass has ended."""
        missing = [kind for kind, there in (("sound", info.audio), ("picture", info.video)) if not there]
        if missing:
            found = _unknown(f"the file has no {' and no '.join(missing)}")
        else:
            found = self._fusion.finish()
        # Who looks at the whole picture needs no faces.
        lacking = None if missing or self._fusion.sight is not None else self._collector.unavailable
        if lacking is not None and not is_known(found):
            found = without_faces(found, lacking)
        else:
            lacking = None
        if found.estimate.offset_seconds is None and not missing:
            notes = (*_other_sounds(info, found.estimate.reason), *notes)
        apart = info.sound_minus_picture_start
        notes = (*found.notes, *self._collector.notes, *notes)
        return SyncResult(found, None if apart is None else float(apart), notes, unavailable=lacking)


def without_faces(found: SyncMeasurement, lacking: MissingModel | MissingDependency) -> SyncMeasurement:
    """What nothing but faces could have told, where nobody could look for them: unknown, and not "no face is seen"."""
    unknown = Estimate(None, None, None, "none", f"faces could not be looked for: {lacking}")
    return replace(found, estimate=unknown, segments=(), pieces=(), drift_ppm=None, drift_interval_ppm=None)


def _other_sounds(info: MediaInfo, reason: str) -> tuple[str, ...]:
    """Where to look where the sound that was measured says nothing."""
    if len(info.audio) < 2:
        return ()
    what = "is silent" if SILENT in reason else "says nothing"
    return (
        f"the file has {len(info.audio)} sounds, and the one that was measured {what}: choose by --audio-stream",
    )


def not_measured(info: MediaInfo) -> SyncResult:
    """The result where nobody asked."""
    apart = info.sound_minus_picture_start
    return SyncResult(_unknown("not measured"), None if apart is None else float(apart))


def _unknown(reason: str) -> SyncMeasurement:
    return SyncMeasurement(Estimate(None, None, None, "none", reason), at=Fraction(0))


def sync_video(
    file: str | os.PathLike[str], options: SyncOptions | None = None, progress: Progress = silent
) -> SyncResult:
    """Measure the offset of sound against picture; with ``fix``, write a repaired copy.

    Memory does not grow with the length of the file, except by the results.

    Parameters
    ----------
    file : path or URL of a video

    Returns
    -------
    SyncResult
        With an offset or the reason why there is none. A repair that was refused or that failed says so; nothing is
        written then.

    Raises
    ------
    MediaError
        If the file cannot be read.
    MissingModel, MissingDependency
        If nothing but faces could tell, and what looks for them is not on this machine.
    OutputError
        If the plot cannot be written. Nothing is left half-written.
    """
    options = options or SyncOptions()
    target = None if options.fix is None else repair_target(file, options.fix)
    refusal = repair_refusal(file, options)
    if options.plot is not None:
        plot_ending(options.plot)  # said before minutes of work, not after
    if options.markers is not None:
        require_marker_ending(options.markers)
    result = _measure(file, options, progress)
    if result.unavailable is not None and options.by is None:
        raise result.unavailable
    if options.plot is not None:
        write_sync_plot(options.plot, result.measurement, Path(os.fspath(file)).name)
    if options.markers is not None:
        write_sync_markers(options.markers, file, result.measurement)
    if options.each_sound:
        return _each_sound(file, target, refusal, result, options, progress)
    if target is None:
        return result

    def measured(made: Path) -> SyncMeasurement:
        return _measure(made, options, progress).measurement

    if options.by is not None:
        moved = refusal or move_by_hand(
            file,
            target,
            exact(str(options.by)) / 1000,
            measured,
            sound=options.reading.audio_stream,
            all_sounds=options.all_sound,
        )
        return replace(result, repair=moved)
    repair = refusal or repair_file(
        file,
        target,
        result.measurement,
        measured,
        options.least_probability,
        sound=options.reading.audio_stream,
        all_sounds=options.all_sound,
    )
    return replace(result, repair=repair)


def _each_sound(
    file: str | os.PathLike[str],
    target: Path | None,
    refusal: Repair | None,
    result: SyncResult,
    options: SyncOptions,
    progress: Progress,
) -> SyncResult:
    """Every sound by itself; the one that was measured already is not measured again."""
    sounds = probe(file).audio
    if not sounds:
        return result

    def measured(made: str | os.PathLike[str], number: int) -> SyncResult:
        one = replace(options, reading=replace(options.reading, audio_stream=number), plot=None, markers=None)
        return _measure(made, one, progress)

    chosen, _ = number_of_the_sound(file, options.reading.audio_stream)
    each = [result if number == chosen else measured(file, number) for number in range(len(sounds))]
    if target is not None:
        repairs = (
            (refusal,) * len(each)
            if refusal is not None
            else repair_each(
                file,
                target,
                [one.measurement for one in each],
                lambda made, number: measured(made, number).measurement,
                options.least_probability,
            )
        )
        each = [replace(one, repair=repair) for one, repair in zip(each, repairs, strict=True)]
    return replace(each[chosen], sounds=tuple(each))


def repair_refusal(file: str | os.PathLike[str], options: SyncOptions) -> Repair | None:
    """What speaks against writing a repaired copy, whatever will be measured; None: nothing does so far.

    >>> repair_refusal("talk.mp4", SyncOptions(fix="fixed/")) is None
    True
    """
    return None if options.fix is None else refusal_of(repair_target(file, options.fix))


def _measure(file: str | os.PathLike[str], options: SyncOptions, progress: Progress) -> SyncResult:
    if options.against is not None:
        return _measure_against(file, options.against, options.reading, progress)
    info = probe(file)
    if not options.thorough:
        seen = measure_windows(file, info, options.estimators, options.reading, progress)
        if seen is not None:
            apart = info.sound_minus_picture_start
            notes = (*seen.measurement.notes, *seen.notes)
            lacking = None if is_known(seen.measurement) else seen.unavailable
            return SyncResult(
                seen.measurement,
                None if apart is None else float(apart),
                notes,
                read=seen.read,
                unavailable=lacking,
            )
    with SyncProbe(options.estimators) as watching:
        request = ClipRequest(consumers=watching.consumers, frames=False, reading=options.reading)
        with read_clip(file, request, progress, info) as clip:
            return watching.result(clip.info, clip.notes)


def _measure_against(
    file: str | os.PathLike[str], other: str, reading: ReadOptions, progress: Progress
) -> SyncResult:
    """Sound against the sound of another recording; of that one all is heard, whatever part of the file is."""
    with (
        read_clip(file, ClipRequest(speech=True, frames=False, reading=reading), progress) as clip,
        read_clip(other, ClipRequest(speech=True, frames=False), progress) as reference,
    ):
        apart = clip.info.sound_minus_picture_start
        for name, heard in ((os.fspath(file), clip), (other, reference)):
            if heard.speech is None:
                found = _unknown(f"{name!r} has no sound")
                break
        else:
            assert clip.speech is not None
            assert reference.speech is not None
            found = match_sounds(clip.speech, reference.speech)
        return SyncResult(
            found, None if apart is None else float(apart), (*found.notes, *clip.notes), against=other
        )
