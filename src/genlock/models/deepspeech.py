"""The acoustic model of DeepSpeech 0.1 as a torch module: 494 cepstral numbers a frame to 29 character
logits.

Three dense layers, a bidirectional LSTM, a dense layer, the logits; every dense layer but the last is
followed by a ReLU that is clipped at 20 (Hannun et al. 2014, "Deep Speech", and Mozilla's release 0.1 of it,
which VOCA and AD-NeRF use). The sizes are read from the weights: 2048 units in the release, 4096 in its third
layer.

**Converted weights** are one safetensors file with the variables of the TensorFlow graph under their own
names, which :data:`NAMES` lists, in TensorFlow's layout: dense kernels [inputs, outputs], LSTM kernels
[inputs + units, 4 units] with the gates in the order input, candidate, forget, output. TensorFlow adds 1 to
the forget gate at run time; here it is added to the bias once, on loading.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, MissingDependency, MissingModel

try:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file
except ImportError as error:
    raise MissingDependency(
        f"DeepSpeech needs torch and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "CHARACTERS",
    "INPUTS",
    "NAMES",
    "DeepSpeechModel",
    "load_deepspeech",
    "random_weights",
    "save_weights",
]

#: 19 frames of 26 coefficients: the frame itself, 9 before it and 9 after it.
INPUTS = 26 * 19
#: What the logits stand for; the last one is the CTC blank.
CHARACTERS = (" ", *"abcdefghijklmnopqrstuvwxyz", "'", "")

_FORWARD, _BACKWARD = "bidirectional_rnn/fw/basic_lstm_cell", "bidirectional_rnn/bw/basic_lstm_cell"
#: The tensors of a file of converted weights.
NAMES = (
    "h1",
    "b1",
    "h2",
    "b2",
    "h3",
    "b3",
    f"{_FORWARD}/kernel",
    f"{_FORWARD}/bias",
    f"{_BACKWARD}/kernel",
    f"{_BACKWARD}/bias",
    "h5",
    "b5",
    "h6",
    "b6",
)

_CLIP = 20.0
# What TensorFlow's cell adds to the forget gate.
_FORGET_BIAS = 1.0


class DeepSpeechModel(torch.nn.Module):
    """Logits [T, 29] of frames with their context, [T, 494].

    >>> model = DeepSpeechModel(random_weights(units=8))
    >>> tuple(model(torch.zeros(5, INPUTS)).shape)
    (5, 29)

    Parameters
    ----------
    weights : tensors under :data:`NAMES`, in TensorFlow's layout

    Raises
    ------
    FormatError
        If a tensor is missing or the shapes do not fit together.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        _check(weights)
        self.dense = torch.nn.ModuleList([_linear(weights, n) for n in (1, 2, 3)])
        units = weights[f"{_FORWARD}/bias"].shape[0] // 4
        inputs = weights[f"{_FORWARD}/kernel"].shape[0] - units
        self.lstm = torch.nn.LSTM(inputs, units, bidirectional=True)
        for end, name in (("", _FORWARD), ("_reverse", _BACKWARD)):
            kernel, bias = _gates(weights[f"{name}/kernel"].float()), weights[f"{name}/bias"].float().clone()
            bias[2 * units : 3 * units] += _FORGET_BIAS
            with torch.no_grad():
                getattr(self.lstm, f"weight_ih_l0{end}").copy_(kernel[:inputs].T)
                getattr(self.lstm, f"weight_hh_l0{end}").copy_(kernel[inputs:].T)
                getattr(self.lstm, f"bias_ih_l0{end}").copy_(_gates(bias))
                getattr(self.lstm, f"bias_hh_l0{end}").zero_()
        self.after = _linear(weights, 5)
        self.logits = _linear(weights, 6)
        self.eval().requires_grad_(False)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits [T, 29] of normalised frames [T, 494]."""
        hidden = frames
        for layer in self.dense:
            hidden = layer(hidden).clamp(0, _CLIP)
        hidden, _ = self.lstm(hidden)
        logits: Tensor = self.logits(self.after(hidden).clamp(0, _CLIP))
        return logits

    def __call__(self, frames: Tensor) -> Tensor:
        """Logits [T, 29] of normalised frames [T, 494]."""
        logits: Tensor = super().__call__(frames)
        return logits

    def on_arrays(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The same for arrays."""
        with torch.inference_mode():
            logits: npt.NDArray[np.float32] = self(torch.from_numpy(frames)).numpy()
        return logits


def load_deepspeech(path: str | Path) -> DeepSpeechModel:
    """The model with converted weights.

    Parameters
    ----------
    path : a safetensors file, or a folder with ``deepspeech.safetensors``

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is damaged, or not DeepSpeech.
    """
    file = Path(path) / "deepspeech.safetensors" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise MissingModel(
            f"there is no file {str(file)!r}: convert the frozen graph of DeepSpeech 0.1 to safetensors "
            "(docs/speech-features.md says how) and name it, as deepspeech:FILE"
        )
    try:
        return DeepSpeechModel(load_file(file))
    except (SafetensorError, OSError) as error:
        raise FormatError(f"the weights {str(file)!r} are damaged ({error}); convert them again") from error


def random_weights(units: int = 2048, seed: int = 0) -> dict[str, Tensor]:
    """Weights of the release's shapes and chance values, to test and measure with."""
    chance = torch.Generator().manual_seed(seed)
    sizes = {
        1: (INPUTS, units),
        2: (units, units),
        3: (units, 2 * units),
        5: (2 * units, units),
        6: (units, 29),
    }
    weights = {f"h{n}": torch.randn(size, generator=chance) * size[0] ** -0.5 for n, size in sizes.items()}
    weights |= {f"b{n}": torch.randn(size[1], generator=chance) * 0.1 for n, size in sizes.items()}
    for name in (_FORWARD, _BACKWARD):
        weights[f"{name}/kernel"] = torch.randn((3 * units, 4 * units), generator=chance) * units**-0.5
        weights[f"{name}/bias"] = torch.randn(4 * units, generator=chance) * 0.1
    return weights


def save_weights(weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Write converted weights, names of :data:`NAMES`, as :func:`load_deepspeech` reads them."""
    _check(weights)
    save_file({name: weights[name].contiguous() for name in NAMES}, path)


def _linear(weights: Mapping[str, Tensor], number: int) -> torch.nn.Linear:
    kernel = weights[f"h{number}"].float()
    layer = torch.nn.Linear(*kernel.shape)
    with torch.no_grad():
        layer.weight.copy_(kernel.T)
        layer.bias.copy_(weights[f"b{number}"].float())
    return layer


def _gates(columns: Tensor) -> Tensor:
    """TensorFlow's order input, candidate, forget, output into torch's input, forget, candidate, output."""
    first, candidate, forget, output = columns.chunk(4, dim=-1)
    return torch.cat([first, forget, candidate, output], dim=-1)


def _check(weights: Mapping[str, Tensor]) -> None:
    missing = [name for name in NAMES if name not in weights]
    if missing:
        raise FormatError(
            f"these are not the weights of DeepSpeech: {missing[0]!r} is missing ({len(missing)} of {len(NAMES)}); "
            "docs/speech-features.md says how they are converted"
        )
    shapes = {name: tuple(weights[name].shape) for name in NAMES}
    units = shapes[f"{_FORWARD}/bias"][0] // 4 if len(shapes[f"{_FORWARD}/bias"]) == 1 else 0
    chain = (INPUTS, *(shapes[f"h{n}"][-1] for n in (1, 2, 3)))
    expected: dict[str, tuple[int, ...]] = {f"h{n}": (chain[n - 1], chain[n]) for n in (1, 2, 3)}
    expected |= {f"{name}/kernel": (chain[3] + units, 4 * units) for name in (_FORWARD, _BACKWARD)}
    expected |= {f"{name}/bias": (4 * units,) for name in (_FORWARD, _BACKWARD)}
    expected |= {"h5": (2 * units, shapes["h5"][-1]), "h6": (shapes["h5"][-1], len(CHARACTERS))}
    expected |= {f"b{n}": (expected[f"h{n}"][1],) for n in (1, 2, 3, 5, 6)}
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise FormatError(
                f"{name!r} has the shape {shapes[name]}, not {shape}: these weights are of another model"
            )
