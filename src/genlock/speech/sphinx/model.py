"""The acoustic model that comes with the ``pocketsphinx`` package, as arrays and one scoring function.

It is a phonetically tied mixture model of US English (CMU Sphinx, BSD licence): each of 42 phones has
one codebook of 3 x 128 diagonal Gaussians; a *senone* is a set of mixture weights over its phone's codebook;
a phone in its context is a row of three senones with a transition matrix. The files' layouts are Sphinx-3's.
"""

from __future__ import annotations

import io
import struct
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingModel
from genlock.core.optional import is_installed, not_installed
from genlock.weights import registry

__all__ = ["SILENCE", "AcousticModel", "load_acoustic_model", "model_folder"]

#: The phone of silence; also the context at the ends of speech.
SILENCE = "SIL"

Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# Mixture weights are stored as 8-bit steps of 1024 in the logarithm to the base 1.0001.
_WEIGHT_STEP = 1024 * np.log(1.0001)
_VARIANCE_FLOOR = 1e-4
# Frames scored at once: what is at hand for them fits the processor's cache.
_ROWS = 128
_POSITIONS = {"inside": 0, "begin": 1, "end": 2, "single": 3}


@dataclass(frozen=True, eq=False)
class AcousticModel:
    """Gaussians, mixture weights and the table of phones in context.

    >>> model = load_acoustic_model()
    >>> len(model.phones), model.phones[:3], model.mixtures.shape[0] == len(model.book_of_senone)
    (42, ('+NSN+', '+SPN+', 'AA'), True)
    """

    phones: tuple[str, ...]
    """Names of the phones, in the order of their numbers."""
    means: Array
    """Means, [phones, 3, 128, 13]."""
    precisions: Array
    """Inverse variances, of the same shape."""
    constants: Array
    """Log densities at the mean, [phones, 3, 128]."""
    mixtures: Array
    """Mixture weights (not logarithms), [senones, 3, 128]."""
    book_of_senone: IntArray
    """The phone whose codebook a senone uses, [senones]."""
    stay: npt.NDArray[np.float64]
    """Log probability of staying in each of a phone's 3 states for another 10 ms, [phones, 3]."""
    senones: npt.NDArray[np.uint16]
    """The 3 senones of each state row, [rows, 3]."""
    _keys: array[int] = field(repr=False)
    """Each phone in context as one number, increasing: a tenth of the memory of a ``dict``."""
    _rows: array[int] = field(repr=False)
    """Its row."""

    def phone(self, name: str) -> int:
        """The number of a phone. Raises KeyError if the model has none of that name."""
        return self._numbers[name]

    @property
    def _numbers(self) -> dict[str, int]:
        return _numbering(self.phones)

    def states(
        self, phone: str, left: str = SILENCE, right: str = SILENCE, position: str = "inside"
    ) -> tuple[int, ...]:
        """The three senones of a phone between two others.

        ``position`` is the phone's place in its word: ``inside``, ``begin``, ``end`` or ``single``. A context
        that was not seen in training falls back on another position, then on the phone without context.

        >>> len(load_acoustic_model().states("AA", "B", "T"))
        3
        """
        base, before, after = (
            self.phone(self._context(p)) if i else self.phone(p) for i, p in enumerate((phone, left, right))
        )
        wanted = _POSITIONS[position]
        for place in (wanted, *(p for p in (0, 1, 2, 3) if p != wanted)):
            key = _key(base, before, after, place)
            at = bisect_left(self._keys, key)
            if at < len(self._keys) and self._keys[at] == key:
                row = self._rows[at]
                break
        else:
            row = base
        return tuple(int(s) for s in self.senones[row])

    def _context(self, phone: str) -> str:
        return SILENCE if phone.startswith("+") else phone

    def scores(self, features: Array, senones: npt.NDArray[np.integer]) -> Array:
        """Log likelihoods of frames under the given senones.

        Parameters
        ----------
        features : float32 [T, 39]
        senones : int [S]

        Returns
        -------
        float32 [T, S]
            Natural logarithms of densities, each the product over the three feature streams.
        """
        wanted = np.asarray(senones, dtype=np.int64)
        out = np.empty((len(features), len(wanted)), np.float32)
        books = self.book_of_senone[wanted]
        groups = [(k, np.flatnonzero(books == book)) for k, book in enumerate(np.unique(books))]
        weights = [[self.mixtures[wanted[columns], stream].T for stream in range(3)] for _, columns in groups]
        quadratics = [self._quadratics(np.unique(books), stream) for stream in range(3)]
        for first in range(0, len(features), _ROWS):
            frames = features[first : first + _ROWS]
            part = np.zeros((len(frames), len(wanted)), np.float32)
            for stream in range(3):
                x = frames[:, stream * 13 : stream * 13 + 13]
                terms = np.concatenate([x * x, x, np.ones((len(x), 1), np.float32)], axis=1)
                logs = (terms @ quadratics[stream]).reshape(len(x), len(groups), -1)
                peak = logs.max(axis=2)
                logs -= peak[:, :, None]
                np.exp(logs, out=logs)
                for k, columns in groups:
                    mixed = logs[:, k] @ weights[k][stream]
                    part[:, columns] += np.log(np.maximum(mixed, np.float32(1e-30))) + peak[:, k, None]
            out[first : first + _ROWS] = part
        return out

    def _quadratics(self, books: IntArray, stream: int) -> Array:
        """Log densities as a product: rows for squares, values and one; a column for each density of each
        book."""
        mean, precision = self.means[books, stream], self.precisions[books, stream]
        scaled = mean * precision
        constant = self.constants[books, stream] - 0.5 * (mean * scaled).sum(axis=2)
        rows = np.concatenate([-0.5 * precision, scaled, constant[:, :, None]], axis=2)
        return np.ascontiguousarray(rows.reshape(-1, rows.shape[2]).T)


@lru_cache(maxsize=4)
def _numbering(phones: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(phones)}


def _key(base: int, left: int, right: int, position: int) -> int:
    return ((base * 256 + left) * 256 + right) * 4 + position


def model_folder() -> Path:
    """Acoustic model, dictionary and language model: a folder of the pocketsphinx package, or one that was fetched.

    The package has no wheel for the newest Pythons; only its recogniser needs more of it than this folder.

    Raises MissingModel, with the line that gets it, if it is neither installed nor fetched; MissingDependency where the
    extra is not installed that brings it, and without which nothing is aligned.
    """
    if not is_installed("numba"):
        raise not_installed("numba", "aligning words")
    return registry.require("pocketsphinx-en-us")


@lru_cache(maxsize=1)
def load_acoustic_model() -> AcousticModel:
    """Read the model once; about 60 MB in memory, a quarter of a second."""
    folder = model_folder() / "en-us"
    phones, senones, (keys, rows), book_of_senone = _read_definition((folder / "mdef").read_bytes())
    means = _read_floats((folder / "means").read_bytes())
    variances = np.maximum(_read_floats((folder / "variances").read_bytes()), _VARIANCE_FLOOR)
    constants = -0.5 * np.log(2 * np.pi * variances.astype(np.float64)).sum(axis=3)
    return AcousticModel(
        phones=phones,
        means=means,
        precisions=(1 / variances).astype(np.float32),
        constants=constants.astype(np.float32),
        mixtures=_read_mixtures((folder / "sendump").read_bytes(), len(book_of_senone)),
        book_of_senone=book_of_senone,
        stay=_read_stay((folder / "transition_matrices").read_bytes()),
        senones=senones,
        _keys=keys,
        _rows=rows,
    )


def _header_end(data: bytes) -> int:
    marker = b"endhdr\n"
    return data.index(marker) + len(marker) + 4  # and the byte-order mark, little-endian in this package


def _read_floats(data: bytes) -> Array:
    """Means or variances, [phones, streams, densities, dimensions]."""
    at = _header_end(data)
    books, streams, densities = struct.unpack_from("<3i", data, at)
    widths = struct.unpack_from(f"<{streams}i", data, at + 12)
    (count,) = struct.unpack_from("<i", data, at + 12 + 4 * streams)
    values = np.frombuffer(data, "<f4", count, at + 16 + 4 * streams)
    return values.reshape(books, streams, densities, widths[0]).astype(np.float32)


def _read_stay(data: bytes) -> npt.NDArray[np.float64]:
    """Log probability of each state's own loop; the files hold counts."""
    at = _header_end(data)
    matrices, states, targets, count = struct.unpack_from("<4i", data, at)
    counts = np.frombuffer(data, "<f4", count, at + 16).reshape(matrices, states, targets).astype(np.float64)
    loops = counts[:, np.arange(states), np.arange(states)] / counts.sum(axis=2)
    out: npt.NDArray[np.float64] = np.log(np.clip(loops, 1e-3, 1 - 1e-3))
    return out


def _read_mixtures(data: bytes, senones: int) -> Array:
    """Mixture weights, float32 [senones, 3, 128], from 8-bit logarithms stored [stream, density, senone]."""
    stream = io.BytesIO(data)
    facts: dict[str, int] = {}
    while (size := struct.unpack("<i", stream.read(4))[0]) != 0:
        words = stream.read(size).rstrip(b"\0").decode("ascii").split()
        if len(words) == 2 and words[1].lstrip("-").isdigit():
            facts[words[0]] = int(words[1])
    if facts.get("cluster_count", 0) not in (0, -1):
        raise MissingModel(
            "the pocketsphinx package holds a clustered sendump, which this version does not read"
        )
    streams, densities = facts.get("feature_count", 3), facts.get("mixture_count", 128)
    body = data[stream.tell() :]
    if struct.unpack_from("<2i", body) == (densities, senones):
        body = body[8:]
    if len(body) != streams * densities * senones:
        raise MissingModel(
            f"the pocketsphinx package's sendump holds {len(body)} weights, not {senones} senones"
        )
    table = np.frombuffer(body, np.uint8).reshape(streams, densities, senones)
    weights = table.transpose(2, 0, 1).astype(np.float32, order="C")
    weights *= np.float32(-_WEIGHT_STEP)
    return np.exp(weights, out=weights)


def _read_definition(
    data: bytes,
) -> tuple[tuple[str, ...], npt.NDArray[np.uint16], tuple[array[int], array[int]], IntArray]:
    """Phone names, senones of each phone in context, contexts and their rows, and each senone's phone."""
    if data[:4] != b"BMDF":
        raise MissingModel(
            "the pocketsphinx package holds a model definition of another form than its 5.0 releases"
        )
    _, text = struct.unpack_from("<2i", data, 4)
    at = 12 + text
    n_ci, n_phones, n_states, _, n_senones, _, n_rows, _, n_tree, _ = struct.unpack_from("<10i", data, at)
    at += 40
    names: list[str] = []
    cursor = at
    for _ in range(n_ci):
        end = data.index(b"\0", cursor)
        names.append(data[cursor:end].decode("ascii"))
        cursor = end + 1
    at += -(-(cursor - at) // 4) * 4 + 8 * n_tree
    entry = np.dtype([("row", "<i4"), ("matrix", "<i4"), ("place", "u1"), ("ctx", "u1", 3)])
    phones = np.frombuffer(data, entry, n_phones, at)
    at += entry.itemsize * n_phones + 4
    table = np.frombuffer(data, "<u2", n_rows * n_states, at).reshape(n_rows, n_states)
    senones = table[phones["row"]]
    base = np.arange(n_phones)
    context = phones["ctx"].astype(np.int64)
    base[n_ci:] = context[n_ci:, 0]
    book = np.zeros(n_senones, np.int64)
    book[senones.ravel()] = np.repeat(base, n_states)
    keys = (((context[:, 0] * 256 + context[:, 1]) * 256 + context[:, 2]) * 4 + phones["place"])[n_ci:]
    order = np.argsort(keys, kind="stable")
    by_context = array("q", keys[order].tobytes()), array("q", (order + n_ci).tobytes())
    return tuple(names), senones, by_context, book
