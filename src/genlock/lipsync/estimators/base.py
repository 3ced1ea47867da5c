"""What every estimator of the offset answers, and the protocol that they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from inspect import signature
from itertools import pairwise
from typing import NamedTuple, Protocol

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.one_line import one_line
from genlock.core.plugins import check_plugin, plugin_class
from genlock.core.time import Exact, exact
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.sight import Sight

__all__ = [
    "DEFAULT",
    "GROUP",
    "PIECE_SECONDS",
    "SILENT",
    "Cue",
    "Estimate",
    "Estimator",
    "Trust",
    "Window",
    "by_faces",
    "make_estimators",
    "mouths_of",
    "not_matched",
    "piece_seconds_of",
    "sight_of",
    "stretches",
    "why_nothing",
]

#: The entry-point group of estimators. Each entry makes one when it is called with ``reach_seconds=``, the largest
#: offset that is looked for; where it is named with a model, as ``avhubert:FOLDER``, with ``model=`` as well.
GROUP = "genlock.estimators"
#: Who is asked, in this order, if nobody is named.
DEFAULT = "flash-beep,lips,motion"


#: Length of the pieces of a film, unless an estimator asks for shorter ones.
PIECE_SECONDS = Fraction(60)
#: Why there is nothing to compare where the sound never rises above the noise of its digits.
SILENT = "the sound is silent"


@dataclass(frozen=True, eq=False)
class Cue:
    """What one estimator saw in one piece of a file: a similarity curve, or the reason why there is none."""

    estimator: str
    """Its name."""
    curve: LagCurve | None
    """Similarity over lags, or None."""
    face: int | None = None
    """The face that was compared with the sound; None if it was not about a face."""
    reason: str = ""
    """Why there is no curve, in words."""
    offset_seconds: float | None = None
    """An offset known more exactly than the curve's step shows, from discrete events; else None."""
    interval_seconds: tuple[float, float] | None = None
    """90 % interval of that offset, low and high; None where there is no ``offset_seconds``."""
    at_seconds: float | None = None
    """The instant at which that offset holds; None where there is no ``offset_seconds``."""
    drift_ppm: float | None = None
    """How much slower the sound runs than the picture, from those events; None where it cannot be told."""
    others: tuple[float, ...] = ()
    """Other offsets that those events allow as well, in seconds, the smallest first: a signal that repeats."""
    drift_error_ppm: float | None = None
    """How far that may be off, to either side (90 %); None where it is not known."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        if self.curve is None and not self.reason:
            raise OptionError(f"{self.estimator} gives neither a curve nor a reason")
        if (self.offset_seconds is None) != (self.interval_seconds is None or self.at_seconds is None):
            raise OptionError(
                f"{self.estimator} knows an offset with its interval and instant, or none of them"
            )


class Window(NamedTuple):
    """What an estimator saw in one stretch of a piece, ``[start, end)`` on the media clock."""

    start: Fraction
    """Where the stretch begins, in exact seconds."""
    end: Fraction
    """Where it ends."""
    cues: tuple[Cue, ...]
    """One for each face, or one for the whole picture; never empty: what is missing is said as a reason."""


@dataclass(frozen=True)
class Trust:
    """How far an estimator's curves are believed."""

    confidence: Confidence = field(default_factory=Confidence)
    """How a curve becomes a probability."""
    least_probability: float = 0.0
    """Below this probability its offset is not given, 0...1."""
    most_probability: float = 1.0
    """It is never surer than this, 0...1."""
    follows_changes: bool = True
    """Whether it is sure enough of a few seconds for drift, splices and the face that speaks to be told."""
    remark: str = ""
    """What to beware of in its answers, in words."""
    still: str = "neither sound nor picture changes together at any lag"
    """What is said where its curve is empty."""
    foreign: str = "nothing in the picture was matched to this sound"
    """What is said where no offset stands out: that, and never why; a dub, music and a larger offset look alike."""


class Estimator(Protocol):
    """Compares sound and picture, piece by piece. Whether an answer is exact, by faces or by the whole picture is told
    by its cues: :class:`~genlock.lipsync.fusion.Fusion` asks all of them in this one way."""

    name: str
    """A short name, as in reports."""
    mouth_side: int | None
    """Side in pixels of the mouth crops that it asks for, 16...512; they are then in the evidence of each face. None:
    it asks for none. One whose model was taught on other crops than ``mouth/SIDE`` says so in ``mouths``, as a feature
    such as ``mouth:avhubert/96``. One that looks at the whole picture has a ``sight``, a
    :class:`~genlock.lipsync.evidence.sight.Sight`; what that sees is in the evidence. One whose crops are large says in
    ``piece_seconds`` how long the pieces of a film shall be, 10...60, so that fewer are kept at once. One that makes
    nothing of faces says ``by_faces = False``: where nobody makes anything of them, they are not looked for."""

    @property
    def trust(self) -> Trust:
        """How far its curves are believed."""
        ...

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> Sequence[Window]:
        """What it sees in stretches of about ``window_seconds``, in order; one may be the whole piece.

        Empty where the piece is none of its business, such as a film without flashes for whoever looks for them.
        """
        ...


def mouths_of(estimator: Estimator) -> str | None:
    """The mouth crops that an estimator asks for, as a feature; None: none."""
    side = estimator.mouth_side
    told: str | None = getattr(estimator, "mouths", None)
    return None if side is None else told or f"mouth/{side}"


def piece_seconds_of(estimators: Iterable[Estimator]) -> Fraction:
    """How long pieces of a film are, in exact seconds: a minute, or as short as one of them asks for.

    >>> str(piece_seconds_of(make_estimators()))
    '60'
    """
    asked = (getattr(estimator, "piece_seconds", PIECE_SECONDS) for estimator in estimators)
    return min([PIECE_SECONDS, *(exact(seconds) for seconds in asked)])


def sight_of(estimator: Estimator) -> Sight | None:
    """How an estimator looks at the whole picture while it is read, if it has a ``sight``; None: it does not."""
    told: Sight | None = getattr(estimator, "sight", None)
    return told


def by_faces(estimator: Estimator) -> bool:
    """Whether an estimator looks at faces; one that says nothing of it does."""
    return bool(getattr(estimator, "by_faces", True))


def make_estimators(names: str = DEFAULT, reach_seconds: Exact = Fraction(6, 5)) -> tuple[Estimator, ...]:
    """The estimators of some names, in their order.

    Parameters
    ----------
    names : separated by commas; one that runs a model of one's own is named with it, ``avhubert:FOLDER``
    reach_seconds : the largest offset that is looked for, to either side

    Raises
    ------
    OptionError
        If a name is not registered, named twice, or none is given.

    Examples
    --------
    >>> [estimator.name for estimator in make_estimators()]
    ['flash-beep', 'lips', 'motion']
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted or len(set(wanted)) < len(wanted):
        raise OptionError(f"estimators={names!r}: name at least one, and each once, such as {DEFAULT!r}")
    return tuple(_made(name, reach_seconds) for name in wanted)


def _made(asked: str, reach_seconds: Exact) -> Estimator:
    name, _, model = asked.partition(":")
    maker = plugin_class(GROUP, name)
    if model and "model" not in signature(maker).parameters:
        raise OptionError(f"the estimator {name!r} takes no model, so {asked!r} cannot be meant")
    given = {"model": model} if model else {}
    made: Estimator = maker(reach_seconds=reach_seconds, **given)
    check_plugin(GROUP, name, made, "name", "mouth_side", "trust", "windows")
    return made


def why_nothing(evidence: Evidence) -> str:
    """Why speech and lips cannot be compared in a piece, in words; empty if they can."""
    if evidence.mel is None or len(evidence.mel) == 0:
        return "there is no sound"
    if evidence.frames is None:
        return "there is no picture"
    if not evidence.faces:
        return "no face is seen"
    if evidence.loudness is not None and len(evidence.loudness) and evidence.loudness.values.max() < -75:
        return SILENT
    return ""


def stretches(start: Fraction, end: Fraction, length: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Equal parts of about ``length``, at least one.

    >>> [float(end) for _, end in stretches(Fraction(0), Fraction(9), Fraction(5))]
    [4.5, 9.0]

    Raises OptionError if the length is not above 0.
    """
    if length <= 0:
        raise OptionError(f"window_seconds={length} is above 0")
    count = max(1, Grid(1 / length, start).index(end, "nearest"))
    edges = [start + (end - start) * k / count for k in range(count + 1)]
    return list(pairwise(edges))


def not_matched(reach_seconds: Exact) -> str:
    """What an estimator by mouths says where no offset stands out.

    >>> not_matched("1.2")
    'no mouth in the picture was matched to this sound within 1.2 s: another voice, music, or an offset beyond that'
    """
    return (
        f"no mouth in the picture was matched to this sound within {float(exact(reach_seconds)):g} s: another voice, "
        "music, or an offset beyond that"
    )


@dataclass(frozen=True, eq=False)
class Estimate:
    """An offset with what is known about its error, or the reason why there is none."""

    offset_seconds: float | None
    """Positive: the sound is early. None: it cannot be told."""
    interval_seconds: tuple[float, float] | None
    """90 % interval, low and high."""
    probability: float | None
    """That the error is at most 40 ms, calibrated, 0...1."""
    estimator: str
    """The estimator that decided: a name, or names joined by ``+``."""
    reason: str = ""
    """Why there is no offset, or what to beware of."""
    face: int | None = None
    """The face that speaks, where faces decided."""
    curve: LagCurve | None = None
    """The curve that it was read off."""
    seconds: float = 0.0
    """How much sound and picture it rests on."""
    belongs: float | None = None
    """That the sound belongs to the mouth that was compared, calibrated, 0...1; None: no mouth was, or the film has
    several parts."""
    supposed_seconds: float | None = None
    """The offset if it belongs; known also where that is too doubtful for ``offset_seconds``."""
    supposed_interval: tuple[float, float] | None = None
    """Its 90 % interval."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        known = self.offset_seconds is not None
        if known != (self.interval_seconds is not None) or known != (self.probability is not None):
            raise OptionError("an estimate has an offset, an interval and a probability, or none of them")
        if not known and not self.reason:
            raise OptionError("an estimate without an offset says why")
