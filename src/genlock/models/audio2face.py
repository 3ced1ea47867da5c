"""NVIDIA's Audio2Face-3D, run from the user's own copy: windows of sound in, weights of ARKit's shapes out.

Its files come under NVIDIA's own licence and are not part of Genlock. A folder holds ``network.onnx``,
``network_info.json`` (sizes, and the window: 8320 samples of 16 kHz, the answer is for sample 4160), ``model_data.npz``
(principal movements of the skin) and ``bs_skin.npz`` (named shapes on the same skin), with ``bs_skin_config.json``.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, InputError, MissingModel
from genlock.core.one_line import one_line
from genlock.core.optional import not_installed
from genlock.models.talker.basis import non_negative

__all__ = ["Audio2Face", "load_audio2face"]

Array: TypeAlias = npt.NDArray[np.float32]

_FILES = ("network.onnx", "network_info.json", "model_data.npz", "bs_skin.npz")
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Audio2Face:
    """The network, and what turns its answer into named shapes."""

    session: Any
    """onnxruntime's session."""
    window: int
    """Samples that it looks at."""
    offset: int
    """The sample of the window that its answer is for."""
    sample_rate: int
    """Samples per second."""
    emotions: int
    """Numbers of the emotion that it is told, all 0 here."""
    skin: int
    """Its first so many answers move the skin."""
    names: tuple[str, ...]
    """Names of the shapes."""
    projection: Array
    """Takes answers to the space in which shapes are solved, [skin, S]."""
    origin: Array
    """Where no answer lies in that space, [S]."""
    shapes: Array
    """The shapes in that space, [S, S]."""
    factors: Array
    """What each solved weight is multiplied by, [S]."""

    __repr__ = one_line

    def answers(self, windows: npt.ArrayLike) -> Array:
        """What the network says of windows [n, window], float32 [n, skin + ...].

        Raises InputError for windows of another length.
        """
        given = np.asarray(windows, np.float32)
        if given.ndim != 2 or given.shape[1] != self.window:
            raise InputError(
                f"Audio2Face looks at {self.window} samples at a time, not at {list(given.shape)}"
            )
        rows = [self._run(given[k : k + _BATCH]) for k in range(0, len(given), _BATCH)]
        return np.concatenate(rows or [np.zeros((0, self.skin), np.float32)])

    def weights(self, windows: npt.ArrayLike) -> Array:
        """Weights of the named shapes for windows [n, window], 0...1, float32 [n, S]."""
        skin = self.answers(windows)[:, : self.skin]
        solved = non_negative(skin @ self.projection + self.origin, self.shapes)
        return np.asarray(np.clip(solved * self.factors, 0, 1), np.float32)

    def _run(self, windows: Array) -> Array:
        fed = {}
        for wanted in self.session.get_inputs():
            size = self.window if wanted.name == "input" else self.emotions
            rank = len(wanted.shape)
            values = windows if wanted.name == "input" else np.zeros((len(windows), size), np.float32)
            fed[wanted.name] = values.reshape(len(windows), *([1] * (rank - 2)), size)
        # A network that was exported for one window at a time takes one at a time.
        if isinstance(self.session.get_inputs()[0].shape[0], int):
            parts = [
                self.session.run(None, {n: v[k : k + 1] for n, v in fed.items()})[0]
                for k in range(len(windows))
            ]
            return np.concatenate([np.asarray(part, np.float32).reshape(1, -1) for part in parts])
        return np.asarray(self.session.run(None, fed)[0], np.float32).reshape(len(windows), -1)


def load_audio2face(folder: str | os.PathLike[str]) -> Audio2Face:
    """The user's copy of Audio2Face-3D: its folder, or the ``network.onnx`` in it.

    Raises
    ------
    MissingModel
        If a file is not there.
    FormatError
        If the files are damaged or do not fit each other.
    MissingDependency
        If onnxruntime is not installed.
    """
    place = Path(folder)
    place = place.parent if place.suffix == ".onnx" else place
    missing = [name for name in _FILES if not (place / name).is_file()]
    if missing:
        raise MissingModel(
            f"{os.fspath(folder)!r} is no copy of Audio2Face-3D: {', '.join(missing)} is not there. Download one of "
            "NVIDIA's (nvidia/Audio2Face-3D-v2.3-mark, say), whose licence is its own, and name its folder"
        )
    try:
        info = json.loads((place / "network_info.json").read_text("utf-8"))
        params, sound = info["params"], info["audio_params"]
        skin = int(params["num_shapes_skin"])
        names, projection, origin, shapes = _solver(place, skin)
        emotions = int(params["implicit_emotion_len"]) + len(params["explicit_emotions"])
        window, offset, rate = (int(sound[key]) for key in ("buffer_len", "buffer_ofs", "samplerate"))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"the files of Audio2Face-3D in {os.fspath(place)!r} do not fit ({type(error).__name__}: {error}); "
            "download them again"
        ) from error
    return Audio2Face(
        _session(place / "network.onnx"),
        window, offset, rate, emotions, skin, names, projection, origin, shapes,
        _factors(place / "bs_skin_config.json", len(names)),
    )  # fmt: skip


def _solver(place: Path, skin: int) -> tuple[tuple[str, ...], Array, Array, Array]:
    """Names of the shapes, and the answers, the origin and the shapes in the space that the shapes span."""
    with np.load(place / "model_data.npz") as model, np.load(place / "bs_skin.npz") as named:
        seen = (
            np.asarray(named["frontalMask"], np.int64).reshape(-1) if "frontalMask" in named else slice(None)
        )
        names = tuple(_text(name) for name in named["poseNames"].tolist() if _text(name) != "neutral")
        deltas = np.stack([_flat(named[name], seen) for name in names])
        moves = np.stack([_flat(move, seen) for move in model["shapes_matrix_skin"][:skin]])
        from_rest = _flat(model["shapes_mean_skin"] - named["neutral"], seen)
    if len(moves) != skin or moves.shape[1] != deltas.shape[1]:
        raise ValueError(f"{len(moves)} movements of the skin for {skin} answers")
    # The shapes span a small space, in which distances are the same.
    axes, corner = np.linalg.qr(deltas.T)
    found = (moves @ axes, from_rest @ axes, corner.T)
    return names, *(np.asarray(part, np.float32) for part in found)  # type: ignore[return-value]


def _flat(points: Any, seen: Any) -> npt.NDArray[np.float64]:
    return np.asarray(np.asarray(points, np.float64).reshape(-1, 3)[seen].reshape(-1))


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _factors(config: Path, count: int) -> Array:
    """What NVIDIA's settings multiply each weight by, where they lie beside the model."""
    if not config.is_file():
        return np.ones(count, np.float32)
    try:
        said: Mapping[str, Any] = json.loads(config.read_text("utf-8"))
    except ValueError as error:
        raise FormatError(f"{os.fspath(config)!r} is not JSON ({error}); download it again") from error
    params = said.get("blendshape_params", said)
    factors = np.asarray(params.get("bsWeightMultipliers", np.ones(count)), np.float32)
    active = np.asarray(params.get("bsSolveActivePoses", np.ones(count)), np.float32)
    if factors.shape != (count,) or active.shape != (count,):
        raise FormatError(f"{os.fspath(config)!r} is for {len(factors)} shapes, the model has {count}")
    return factors * active


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise not_installed("onnxruntime", "Audio2Face") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    # onnxruntime raises types of its own, without a common base.
    except Exception as error:
        raise FormatError(f"{os.fspath(path)!r} is no network that onnxruntime reads ({error})") from error
