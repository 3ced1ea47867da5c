"""A talker: the sound of a voice in, the movement of a face out; whole, piece by piece, or live."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.flow import check_flow, follow_flow, noise_of
from genlock.models.talker.inputs import CLOCK_RATE, Given, Listener, Listening, listening_facts, listening_of
from genlock.models.talker.networks import NetworkShape, check_arrays, run_inside
from genlock.weights.npz_model import load_once, write_model

__all__ = ["TALKER_NAME", "Emphasis", "Talker", "TalkerStream", "load_talker", "save_talker"]

Array: TypeAlias = npt.NDArray[np.float32]

#: Name of the model of our own in the registry.
TALKER_NAME = "talker-nano"
_KIND = "talker"
# Cells that are computed at a time: 20 s. And what is heard before and after a piece by networks without a reach.
_PIECE = 1000
_WARM_UP = 150


@dataclass(frozen=True)
class Emphasis:
    """What brings back the movement that a mean of all that may come has lost; fitted on held-out clips.

    The weights are taken ``gain`` times, and what a short smoothing would take away ``1 + sharp`` times.
    """

    gain: float = 1.0
    """Factor on all movement; above 0."""
    sharp: float = 0.0
    """How much more quick movement counts; at least 0."""
    reach: int = 3
    """Cells to either side over which the smoothing goes; at least 1."""

    def __post_init__(self) -> None:
        if not self.gain > 0 or self.sharp < 0 or self.reach < 1:
            raise OptionError(f"{self}: gain is above 0, sharp at least 0, reach at least 1")

    @property
    def cells(self) -> int:
        """Cells to either side that a value depends on."""
        return self.reach if self.sharp else 0

    def __call__(self, weights: Array) -> Array:
        """Of weights [N, K] on a talker's clock, the same.

        >>> Emphasis(2.0)(np.ones((1, 1), np.float32)).tolist()
        [[2.0]]
        """
        if not self.sharp or not len(weights):
            return np.asarray(weights * np.float32(self.gain), np.float32)
        kernel = np.hanning(2 * self.reach + 3)[1:-1]
        kernel = (kernel / kernel.sum()).astype(np.float32)
        padded = np.pad(weights, ((self.reach, self.reach), (0, 0)), "edge")
        smooth = np.zeros_like(weights)
        for k, share in enumerate(kernel):
            smooth += share * padded[k : k + len(weights)]
        return np.asarray(
            (weights + np.float32(self.sharp) * (weights - smooth)) * np.float32(self.gain), np.float32
        )


@dataclass(frozen=True, eq=False)
class Talker:
    """A voice in, a face out.

    Raises
    ------
    FormatError
        If the arrays do not fit.
    """

    basis: FaceBasis
    """What its weights mean."""
    listening: Listening
    """What it hears."""
    shape: NetworkShape
    """How its network is built."""
    arrays: Mapping[str, Array]
    """The network's weights."""
    emphasis: Emphasis = field(default_factory=Emphasis)
    """What is done with the network's answer."""
    speakers: Mapping[str, Array] = field(default_factory=dict)
    """Manners of the speakers that it learnt from, added to what is heard, [width] each; see ``speaker``."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        check_arrays(self.arrays, self.shape, self.listening.width, self.basis.size)
        check_flow(self.arrays, self.shape, self.basis.size)

    @property
    def features(self) -> tuple[str, ...]:
        """The features of the sound that it hears, in the grammar of ``genlock features``."""
        return self.listening.features

    @property
    def lookahead_seconds(self) -> Fraction | None:
        """Sound after an instant without which its answer for that instant is not final, beside the window of the
        features; None if it needs all of the sound."""
        ahead = self._reach(self.shape.lookahead)
        levelled = any(one.treatment == "level" for one in self.listening.heard)
        # Levelled bands come a hundred times a second.
        leveling = Fraction(self.listening.leveling.lookahead, 100) if levelled else Fraction(0)
        return None if ahead is None else ahead / CLOCK_RATE + leveling

    def weights(self, tracks: Given, speaker: str | None = None, seed: int = 0) -> Track:
        """Weights of the basis on the talker's clock, float32 [N, K]; frames of any rate read them with ``on()``.

        Parameters
        ----------
        tracks : the features by name, see :attr:`features`, and Spans where it hears words
        speaker : in whose manner; None: nobody's
        seed : of what a talker with a flow draws; the others draw nothing

        Raises
        ------
        InputError
            If a feature is missing or empty.
        OptionError
            If there is no such speaker.

        Examples
        --------
        >>> mel = Track(np.zeros((100, 80), np.float32), Grid.of_windows(sample_rate=16000, hop=160, first_center=200))
        >>> load_talker().weights({"mel:kaldi": mel}).on(Grid("30000/1001"), length=29).values.shape
        (29, 16)
        """
        stream = self.stream(speaker, seed)
        parts = [stream.push(tracks), stream.finish()]
        values, valid = (
            np.concatenate(rows) for rows in zip(*((p.values, p.valid) for p in parts), strict=True)
        )
        return replace(parts[0], values=values, valid=valid)

    def stream(self, speaker: str | None = None, seed: int = 0) -> TalkerStream:
        """For sound that comes piece by piece, or never ends; memory stays bounded.

        Raises OptionError if there is no such speaker.
        """
        if speaker is not None and speaker not in self.speakers:
            raise OptionError(
                f"this talker has no speaker {speaker!r}; it knows: {', '.join(self.speakers) or 'nobody by name'}"
            )
        return TalkerStream(self, None if speaker is None else self.speakers[speaker], seed)

    def _reach(self, cells: int | None) -> int | None:
        return None if cells is None else cells + self.emphasis.cells

    def _answer(self, heard: Array, manner: Array | None, first: int, seed: int) -> Array:
        """Of what is heard from cell ``first`` on."""
        arrays = dict(self.arrays)
        if manner is not None:
            arrays["into.bias"] = arrays["into.bias"] + manner
        inside, told = run_inside(heard, arrays, self.shape)
        if self.shape.head == "flow":
            noise = noise_of(seed, first, len(told), self.basis.size)
            told = follow_flow(inside, told, noise, arrays, self.shape)
        return self.emphasis(told)


class TalkerStream:
    """One voice, heard piece by piece: what is final so far comes out.

    A network with a reach (convolution, transformer) says the same as of the whole, to the rounding of float32; a
    recurrent one hears three seconds around each piece, so that its answer differs a little from that of the whole.

    Examples
    --------
    >>> mel = Track(np.zeros((300, 80), np.float32), Grid.of_windows(sample_rate=16000, hop=160, first_center=200))
    >>> talker = load_talker()
    >>> stream = talker.stream()
    >>> pieces = [stream.push({"mel:kaldi": mel.part(range(k, k + 50))}) for k in range(0, 300, 50)]
    >>> whole = np.concatenate([piece.values for piece in [*pieces, stream.finish()]])
    >>> bool(np.allclose(whole, talker.weights({"mel:kaldi": mel}).values, atol=1e-4))
    True
    """

    def __init__(self, talker: Talker, manner: Array | None = None, seed: int = 0) -> None:
        self._talker, self._manner, self._seed = talker, manner, seed
        self._listener = Listener(talker.listening)
        back, ahead = talker._reach(talker.shape.lookback), talker._reach(talker.shape.lookahead)
        self._back = _WARM_UP if back is None else back
        self._ahead = _WARM_UP if ahead is None else ahead
        self._heard = np.zeros((0, talker.listening.width), np.float32)
        self._valid = np.zeros(0, bool)
        self._first, self._given = 0, 0
        self._grid: Grid | None = None

    def push(self, tracks: Given) -> Track:
        """Take the next piece of every feature; gives the weights [n, K] that are final now, on their own cells."""
        return self._take(self._listener.push(tracks), last=False)

    def finish(self) -> Track:
        """The weights that are left: nothing follows."""
        return self._take(self._listener.finish(), last=True)

    def _take(self, piece: Track, last: bool) -> Track:
        if self._grid is None:
            assert isinstance(piece.grid, Grid)
            self._grid = piece.grid
        self._heard = np.concatenate([self._heard, piece.values])
        self._valid = np.concatenate([self._valid, piece.valid])
        end = self._first + len(self._heard)
        stop = end if last else end - self._ahead
        start, rows, valid = self._given, [], []
        while self._given < stop:
            upto = min(stop, self._given + _PIECE)
            low = max(self._given - self._back, self._first)
            seen = slice(low - self._first, min(upto + self._ahead, end) - self._first)
            found = self._talker._answer(self._heard[seen], self._manner, low, self._seed)
            rows.append(found[self._given - low : upto - low])
            valid.append(self._valid[self._given - self._first : upto - self._first])
            self._given = upto
        self._forget()
        values = np.concatenate([np.zeros((0, self._talker.basis.size), np.float32), *rows])
        grid = self._grid.part(range(start, self._given))
        return Track(values, grid, np.concatenate([np.zeros(0, bool), *valid]), "weights", "", "whole")

    def _forget(self) -> None:
        drop = max(self._given - self._back - self._first, 0)
        self._heard, self._valid = self._heard[drop:], self._valid[drop:]
        self._first += drop


# ---------------------------------------------------------------- the file of a talker


def save_talker(talker: Talker, target: str | os.PathLike[str]) -> None:
    """Write a talker as ``.npz``, atomically, byte for byte the same for the same talker.

    Raises OutputError if the target cannot be written.
    """
    header = {
        "basis": talker.basis.facts(),
        "listening": listening_facts(talker.listening),
        "shape": asdict(talker.shape),
        "emphasis": asdict(talker.emphasis),
        "speakers": list(talker.speakers),
        "facts": dict(talker.facts),
    }
    arrays = talker.basis.arrays() | {f"network.{name}": array for name, array in talker.arrays.items()}
    for part in ("mean", "spread"):
        arrays |= {f"{part} of {name}": array for name, array in getattr(talker.listening, part).items()}
    if talker.speakers:
        arrays["manners"] = np.stack(list(talker.speakers.values()))
    write_model(target, _KIND, header, arrays)


def load_talker(model: str | os.PathLike[str] = TALKER_NAME) -> Talker:
    """A talker: the one that comes with Genlock, another of the registry by its name, or a file or folder of one's own.

    >>> load_talker().features
    ('mel:kaldi',)

    Raises
    ------
    FormatError
        If it is not there, damaged, or of another kind.
    MissingModel
        If a model of that name is known, and not on this machine.
    """
    return load_once(model, _KIND, "talker", _build)


def _build(header: Mapping[str, Any], found: Mapping[str, npt.NDArray[Any]]) -> Talker:
    names = list(found)
    part = {
        kind: {
            name.removeprefix(f"{kind} of "): found[name] for name in names if name.startswith(f"{kind} of ")
        }
        for kind in ("mean", "spread")
    }
    arrays = {name.removeprefix("network."): found[name] for name in names if name.startswith("network.")}
    shape = NetworkShape(**{**header["shape"], "dilations": tuple(header["shape"]["dilations"])})
    speakers = list(header["speakers"])
    manners = found["manners"] if speakers else np.zeros((0, shape.width), np.float32)
    if len(manners) != len(speakers):
        raise FormatError(f"a talker names {len(speakers)} speakers and holds {len(manners)}")
    return Talker(
        FaceBasis.of_arrays(found, header["basis"]),
        listening_of(header["listening"], part["mean"], part["spread"]),
        shape,
        arrays,
        Emphasis(**header["emphasis"]),
        dict(zip(speakers, manners, strict=True)),
        dict(header["facts"]),
    )
