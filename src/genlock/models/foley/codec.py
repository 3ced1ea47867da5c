"""Our own codec of sound: four tokens for each column of 20 ms, and back to a mel spectrogram; numpy alone.

The sound is ``mel:foley``: 80 soft log bands at 24 kHz, a hundred cells a second that begin with the sound. A column is
two of them, so that columns are the cells of 50 a second that begin with the sound. Encoder and decoder look only back:
a column never tells what is heard after it, and it is heard as soon as its tokens are written.

Tokens are made by finite-scalar quantisation (Mentzer et al. 2023): each of a few numbers is rounded to one of a few
levels, and the levels of a token's numbers are its digits. There is no codebook that could collapse.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.foley.pieces import NetworkPieces
from genlock.models.talker.networks import NetworkShape, check_arrays
from genlock.weights.npz_model import arrays_in, load_once, shape_in, write_model

__all__ = [
    "BANDS",
    "CELL_RATE",
    "CODEC_NAME",
    "COLUMN_RATE",
    "FEATURE",
    "QUIET",
    "Codec",
    "CodecShape",
    "Decoding",
    "load_codec",
    "save_codec",
]

Array: TypeAlias = npt.NDArray[np.float32]
Codes: TypeAlias = npt.NDArray[np.int64]

#: Name of the codec of our own in the registry.
CODEC_NAME = "foley-codec"
#: The feature that it codes, in the grammar of ``genlock features``.
FEATURE = "mel:foley"
#: Its bands.
BANDS = 80
#: Cells of the feature a second, and columns of tokens a second.
CELL_RATE, COLUMN_RATE = Fraction(100), Fraction(50)
#: What the feature says of silence.
QUIET = np.float32(-8.0)
_CELLS = 2
_KIND = "foley codec"
# Bands lie within -8...10 or so: the networks see and say them about within -1...1.
_MIDDLE, _SPREAD = np.float32(-3.0), np.float32(4.0)


@dataclass(frozen=True)
class CodecShape:
    """How a codec is built."""

    width: int = 128
    """Channels inside its networks; at least 1."""
    encoder_dilations: tuple[int, ...] = (1, 2, 4)
    """Columns between the taps of each layer of the encoder; at least 1."""
    decoder_dilations: tuple[int, ...] = (1, 2, 4, 8, 1)
    """Columns between the taps of each layer of the decoder; at least 1."""
    taps: int = 3
    """Columns that a layer looks at; odd."""
    levels: tuple[int, ...] = (8, 8, 8)
    """Levels of the numbers that are a token's digits; at least 2 each. Their product is the number of tokens."""
    tokens: int = 4
    """Tokens of a column; at least 1."""

    def __post_init__(self) -> None:
        if not self.levels or min(self.levels) < 2 or self.tokens < 1:
            raise OptionError(f"{self}: levels are at least 2, tokens at least 1")
        self.encoder, self.decoder  # noqa: B018 - ranges are told at birth

    @property
    def encoder(self) -> NetworkShape:
        """The network from cells to digits."""
        return self._network(self.encoder_dilations)

    @property
    def decoder(self) -> NetworkShape:
        """The network from digits to cells."""
        return self._network(self.decoder_dilations)

    def _network(self, dilations: tuple[int, ...]) -> NetworkShape:
        return NetworkShape(
            "convolution", self.width, dilations=dilations, taps=self.taps, heads=1, causal=True
        )

    @property
    def vocabulary(self) -> int:
        """How many different tokens there are.

        >>> CodecShape(levels=(8, 5, 5)).vocabulary
        200
        """
        return int(np.prod(self.levels))

    @property
    def digits(self) -> int:
        """Numbers of a column, all tokens together."""
        return self.tokens * len(self.levels)


@dataclass(frozen=True, eq=False)
class Codec:
    """Sound to tokens and back.

    Raises
    ------
    FormatError
        If the arrays do not fit.
    """

    shape: CodecShape
    """How it is built."""
    arrays: Mapping[str, Array]
    """Its weights: those of the encoder under ``encoder.``, of the decoder under ``decoder.``."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how, and its figures."""

    def __post_init__(self) -> None:
        cells = _CELLS * BANDS
        check_arrays(self._part("encoder"), self.shape.encoder, cells, self.shape.digits)
        check_arrays(self._part("decoder"), self.shape.decoder, self.shape.digits, cells)

    @property
    def vocabulary(self) -> int:
        """How many different tokens there are."""
        return self.shape.vocabulary

    @property
    def tokens(self) -> int:
        """Tokens of a column."""
        return self.shape.tokens

    def encode(self, mel: npt.ArrayLike) -> Codes:
        """Tokens int64 [N, tokens], each in 0...vocabulary - 1, of ``mel:foley`` [T, 80]; N is T / 2 rounded up.

        A last cell without a partner is followed by silence.

        Raises InputError if the bands are not 80 or not finite.
        """
        rows = _cells_of(mel)
        network = NetworkPieces(self._part("encoder"), self.shape.encoder, rows.shape[1], self.shape.digits)
        return self.tokens_of(np.concatenate([network.push(rows), network.finish()]))

    def decode(self, codes: npt.ArrayLike) -> Array:
        """``mel:foley`` float32 [2 N, 80] of tokens [N, tokens].

        >>> codec = load_codec()
        >>> codec.decode(codec.encode(np.full((7, 80), QUIET))).shape
        (8, 80)

        Raises InputError if they are not tokens of this codec.
        """
        return self.decoding().push(codes)

    def decoding(self) -> Decoding:
        """For tokens that come column by column; memory stays bounded."""
        return Decoding(self)

    def encode_track(self, mel: Track) -> Track:
        """Tokens as a Track of int64 [N, tokens] on the cells of 50 a second that begin with the sound.

        Raises InputError if the track is no ``mel:foley``.
        """
        if not isinstance(mel.grid, Grid) or mel.grid.rate != CELL_RATE:
            raise InputError(f"the codec takes {FEATURE}, 100 cells a second, not {mel.grid}")
        codes = self.encode(mel.values)
        whole = np.append(mel.valid, np.zeros(len(mel.valid) % _CELLS, bool)).reshape(-1, _CELLS)
        valid = np.asarray(whole.all(axis=1), bool)
        grid = Grid(COLUMN_RATE, mel.grid.edge(0), mel.grid.clock)
        return replace(mel, values=codes, grid=grid, valid=valid, name="foley codes", unit="")

    def decode_track(self, codes: Track) -> Track:
        """``mel:foley`` as a Track of tokens on cells of 50 a second.

        Raises InputError if they are on other cells.
        """
        if not isinstance(codes.grid, Grid) or codes.grid.rate != COLUMN_RATE:
            raise InputError(f"the codec's columns are 50 a second, not {codes.grid}")
        grid = Grid(CELL_RATE, codes.grid.edge(0), codes.grid.clock)
        valid = np.repeat(codes.valid, _CELLS)
        return replace(
            codes, values=self.decode(codes.values), grid=grid, valid=valid, name=FEATURE, unit="ln power"
        )

    def tokens_of(self, digits: npt.ArrayLike) -> Codes:
        """Tokens int64 [N, tokens] of the encoder's numbers [N, digits], of any size: tanh brings them within
        -1...1, and the next level is taken."""
        levels = np.tile(np.asarray(self.shape.levels), self.tokens)
        inside = np.tanh(np.asarray(digits, np.float32))
        ranks = np.floor((inside + 1) / 2 * (levels - 1) + 0.5).astype(np.int64)
        return np.asarray((ranks.reshape(len(ranks), self.tokens, -1) * self._places).sum(axis=2), np.int64)

    def digits_of(self, codes: npt.ArrayLike) -> Array:
        """The numbers that tokens [N, tokens] stand for, float32 [N, digits] within -1...1.

        Raises InputError if they are not tokens of this codec.
        """
        tokens = np.asarray(codes)
        if tokens.ndim != 2 or tokens.shape[1] != self.tokens or not np.issubdtype(tokens.dtype, np.integer):
            raise InputError(
                f"{tokens.dtype} of shape {list(tokens.shape)} are no tokens: give integers [N, {self.tokens}]"
            )
        if len(tokens) and not (tokens.min() >= 0 and tokens.max() < self.vocabulary):
            raise InputError(
                f"tokens from {tokens.min()} to {tokens.max()}: this codec has 0...{self.vocabulary - 1}"
            )
        levels = np.asarray(self.shape.levels)
        ranks = tokens[:, :, None] // self._places % levels
        return np.asarray(2 * ranks / (levels - 1) - 1, np.float32).reshape(len(tokens), self.shape.digits)

    @property
    def _places(self) -> Codes:
        """What each digit counts."""
        return np.cumprod([1, *self.shape.levels[:-1]], dtype=np.int64)

    def _part(self, name: str) -> dict[str, Array]:
        start = f"{name}."
        return {key.removeprefix(start): array for key, array in self.arrays.items() if key.startswith(start)}


class Decoding:
    """Tokens to sound, column by column: each column is heard as soon as it is there.

    >>> codec, random = load_codec(), np.random.default_rng(0)
    >>> codes = random.integers(0, codec.vocabulary, (100, codec.tokens))
    >>> stream = codec.decoding()
    >>> pieces = np.concatenate([stream.push(codes[k : k + 7]) for k in range(0, 100, 7)])
    >>> bool(np.allclose(pieces, codec.decode(codes), atol=1e-4))
    True
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        shape = codec.shape
        self._network = NetworkPieces(codec._part("decoder"), shape.decoder, shape.digits, _CELLS * BANDS)

    def push(self, codes: npt.ArrayLike) -> Array:
        """Take the next columns, [n, tokens]; gives their cells, float32 [2 n, 80].

        Raises InputError if they are not tokens of this codec.
        """
        told = self._network.push(self._codec.digits_of(codes)).reshape(-1, BANDS)
        return np.asarray(np.maximum(told * _SPREAD + _MIDDLE, QUIET), np.float32)


def _cells_of(mel: npt.ArrayLike) -> Array:
    """What the encoder sees, float32 [N, 160]."""
    rows = np.asarray(mel, np.float32)
    if rows.ndim != 2 or rows.shape[1] != BANDS or not np.isfinite(rows).all():
        raise InputError(
            f"bands of shape {list(rows.shape)} are no {FEATURE}: give finite numbers [T, {BANDS}]"
        )
    missing = len(rows) % _CELLS
    rows = np.concatenate([rows, np.full((missing, BANDS), QUIET, np.float32)])
    return np.asarray((rows - _MIDDLE) / _SPREAD, np.float32).reshape(-1, _CELLS * BANDS)


# ---------------------------------------------------------------- the file of a codec


def save_codec(codec: Codec, target: str | os.PathLike[str], *, half: bool = False) -> None:
    """Write a codec as ``.npz``, atomically, byte for byte the same for the same codec.

    ``half`` stores its weights in 16 bits. Raises OutputError if the target cannot be written.
    """
    header = {"shape": asdict(codec.shape), "facts": dict(codec.facts)}
    write_model(target, _KIND, header, codec.arrays, half=half)


def load_codec(model: str | os.PathLike[str] = CODEC_NAME) -> Codec:
    """A codec: the one that comes with Genlock, another of the registry by its name, or a file or folder of one's own.

    >>> load_codec().tokens
    4

    Raises
    ------
    FormatError
        If it is not there, damaged, or of another kind.
    MissingModel
        If a model of that name is known, and not on this machine.
    """
    return load_once(model, _KIND, "codec of sound", _build)


def _build(header: Mapping[str, Any], found: Mapping[str, npt.NDArray[Any]]) -> Codec:
    return Codec(CodecShape(**shape_in(header)), arrays_in(found), dict(header["facts"]))
