"""wav2vec 2.0, HuBERT and WavLM checkpoints of Hugging Face's form, with what is needed to place their
frames.

A checkpoint says in its configuration how its convolutions are stacked (hence the exact framing) and which
normalisation follows the first one. *Layer* norm looks at one frame. *Group* norm looks at the whole clip:
cutting or padding the clip changes every frame. :meth:`SpeechEncoder.with_clip_norm` measures that norm's
mean and variance over the whole clip first, so that pieces of it come out as the whole would.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, GenlockError, InputError, MissingDependency, MissingModel
from genlock.core.time import exact
from genlock.models.speech.chunks import SampleReader
from genlock.weights.hub_models import how_to_get, is_hub_name

try:
    import torch
    import transformers
    from torch.nn.utils import parametrize
except ImportError as error:
    raise MissingDependency(
        f"speech models need torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ARCHITECTURES", "SpeechEncoder", "load_speech_encoder", "without_advice"]

#: The ``model_type`` of the checkpoints that are known to have this framing.
ARCHITECTURES = ("wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat")

Samples = npt.NDArray[np.float32]
# transformers' feature extractor adds this to the variance before the root.
_NORMALIZE_EPSILON = 1e-7


@dataclass(eq=False)
class SpeechEncoder:
    """A loaded checkpoint. Not frozen: torch modules have state; use one in one thread at a time."""

    model: Any
    """The transformers model, in evaluation mode."""
    source: str
    """The folder or hub name it came from."""
    kernels: tuple[int, ...]
    """Kernel sizes of the convolutions."""
    strides: tuple[int, ...]
    """Strides of the convolutions."""
    sample_rate: int
    """Samples per second that it was trained on."""
    normalize: bool
    """Whether the clip is brought to zero mean and unit variance first."""
    vocabulary: dict[str, int] = field(default_factory=dict)
    """Token to index of a CTC checkpoint; empty without a CTC head."""
    blank: int = 0
    """Index of the CTC blank."""
    word_delimiter: str = "|"
    """The token that stands between words."""
    bias_seconds: Fraction = Fraction(0)
    """How late this model's tokens come, measured once and kept in ``genlock.json`` beside the checkpoint."""
    widen_seconds: Fraction = Fraction(0)
    """How much too narrow its words are at each side, from the same file."""

    @property
    def base(self) -> Any:
        """The encoder without a head."""
        return getattr(self.model, self.model.base_model_prefix, self.model)

    @property
    def group_norm(self) -> bool:
        """Whether the first convolution is normalised over the whole clip."""
        return bool(getattr(self.base.config, "feat_extract_norm", "layer") == "group")

    @property
    def layers(self) -> int:
        """Number of transformer layers; hidden states are counted 0 (their input) to this number (the
        last)."""
        return int(self.base.config.num_hidden_layers)

    @property
    def window(self) -> int:
        """Samples that one frame of the convolutions looks at."""
        window, hop = 1, 1
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            window += (kernel - 1) * hop
            hop *= stride
        return window

    def prepared(self, samples: Samples, mean: float, deviation: float) -> Samples:
        """Samples as the model takes them, given mean and standard deviation of the whole clip."""
        return (samples - np.float32(mean)) / np.float32(deviation) if self.normalize else samples

    def clip_statistics(self, read: SampleReader, count: int) -> tuple[float, float]:
        """Mean and standard deviation that normalise a clip, as transformers' feature extractor does.

        Parameters
        ----------
        read : gives samples of the clip; every one is asked for twice, in blocks of 30 s
        count : how many samples the clip has
        """
        if not self.normalize or not count:
            return 0.0, 1.0
        mean = sum(float(block.sum(dtype=np.float64)) for block in self._blocks(read, count)) / count
        # Around the mean: with a large offset the difference of squares would lose the variance.
        power = sum(
            float(((block.astype(np.float64) - mean) ** 2).sum()) for block in self._blocks(read, count)
        )
        return mean, float(np.sqrt(power / count + _NORMALIZE_EPSILON))

    def _blocks(self, read: SampleReader, count: int, seconds: int = 30) -> Iterator[Samples]:
        step = seconds * self.sample_rate
        return (read(first, min(first + step, count)) for first in range(0, count, step))

    def convolved(self, batch: Samples) -> npt.NDArray[np.float32]:
        """Output of the convolutions, [batch, T, channels], of prepared samples [batch, n]."""
        with torch.inference_mode():
            return self._numpy(self.base.feature_extractor(self._tensor(batch)).transpose(1, 2))

    def hidden(self, batch: Samples) -> list[Tensor]:
        """Hidden states 0...layers, each [batch, T, width], of prepared samples [batch, n]."""
        with torch.inference_mode():
            found = self.base(self._tensor(batch), output_hidden_states=True)
        # Some versions of transformers list the last layer before the norm that follows it.
        return [*found.hidden_states[:-1], found.last_hidden_state]

    def log_probabilities_of_convolved(self, features: Samples) -> npt.NDArray[np.float32]:
        """The same of what :meth:`convolved` gave, [batch, T, channels].

        Where chunks overlap, the convolutions, half of the work of a base model, need not be computed twice.
        """
        own = self.base.feature_extractor
        self.base.feature_extractor = torch.nn.Identity()
        try:
            return self.log_probabilities(np.ascontiguousarray(features.transpose(0, 2, 1)))
        finally:
            self.base.feature_extractor = own

    def log_probabilities(self, batch: Samples) -> npt.NDArray[np.float32]:
        """CTC log-probabilities [batch, T, vocabulary] of prepared samples [batch, n].

        Raises InputError if the checkpoint has no CTC head.
        """
        if not self.vocabulary:
            raise InputError(f"{self.source!r} has no CTC head, so it cannot recognise; use a CTC checkpoint")
        with torch.inference_mode():
            return self._numpy(torch.log_softmax(self.model(self._tensor(batch)).logits.float(), dim=-1))

    def _tensor(self, batch: Samples) -> Tensor:
        parameter = next(self.model.parameters())
        return torch.from_numpy(np.ascontiguousarray(batch)).to(parameter.device, parameter.dtype)

    @staticmethod
    def _numpy(tensor: Tensor) -> npt.NDArray[np.float32]:
        array: npt.NDArray[np.float32] = tensor.float().cpu().numpy()
        return array

    @contextmanager
    def with_clip_norm(
        self, read: SampleReader, count: int, mean: float = 0.0, deviation: float = 1.0
    ) -> Iterator[None]:
        """Within the block, group norm uses the mean and variance of a whole clip instead of its input's own.

        Parameters
        ----------
        read, count : samples of the clip, and how many there are
        mean, deviation : what they are normalised with, from :meth:`clip_statistics`

        The first convolution alone is run over the clip; memory does not grow with its length. A model
        without group norm is left as it is.
        """
        if not self.group_norm:
            yield
            return
        pieces = (self.prepared(block, mean, deviation) for block in self._blocks(read, count, 2))
        layer = self.base.feature_extractor.conv_layers[0]
        own = layer.layer_norm
        layer.layer_norm = _FixedNorm(own, *self._first_layer_moments(layer.conv, pieces))
        try:
            yield
        finally:
            layer.layer_norm = own

    def _first_layer_moments(self, conv: Any, pieces: Iterator[Samples]) -> tuple[Tensor, Tensor]:
        kernel, stride = self.kernels[0], self.strides[0]
        total = square = torch.zeros((), dtype=torch.float64)
        frames = 0
        rest = np.zeros(0, np.float32)
        for piece in pieces:
            rest = np.concatenate([rest, piece])
            count = (len(rest) - kernel) // stride + 1
            if count <= 0:
                continue
            with torch.inference_mode():
                values = conv(self._tensor(rest[None, None, : (count - 1) * stride + kernel]))[0].double()
            total, square, frames = total + values.sum(1), square + (values**2).sum(1), frames + count
            rest = rest[count * stride :]
        mean = total / max(frames, 1)
        return mean, torch.clamp(square / max(frames, 1) - mean**2, min=0.0)


class _FixedNorm(torch.nn.Module):
    """Group norm, one group a channel, with a given mean and variance."""

    def __init__(self, norm: Any, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        scale = norm.weight.detach().double() / torch.sqrt(variance + norm.eps)
        self.scale = scale.to(norm.weight.dtype)[None, :, None]
        self.shift = (norm.bias.detach().double() - mean * scale).to(norm.weight.dtype)[None, :, None]

    def forward(self, values: Tensor) -> Tensor:
        """Values [batch, channels, T]."""
        return torch.addcmul(self.shift, values, self.scale)


def load_speech_encoder(source: str | Path, *, ctc: bool = False, offline: bool = True) -> SpeechEncoder:
    """Load a wav2vec 2.0, HuBERT or WavLM checkpoint.

    Parameters
    ----------
    source : a folder with ``config.json`` and ``model.safetensors``, or a name on the Hugging Face hub
    ctc : whether a CTC head is needed
    offline : True looks for a hub name in the local cache only

    Raises
    ------
    MissingModel
        If there is no such folder, and the hub's cache does not have it.
    InputError
        If the checkpoint is of another architecture, or has no CTC head although one is needed.
    FormatError
        If a file is damaged.
    """
    name = str(source)
    config = _configuration(name, offline)
    kind = getattr(config, "model_type", None)
    if kind not in ARCHITECTURES:
        raise InputError(
            f"{name!r} is a checkpoint of {kind!r}; speech features need one of {', '.join(ARCHITECTURES)}"
        )
    model = _weights(name, config, ctc, offline)
    settings = _settings(name, "preprocessor_config.json", offline)
    tokenizer = _settings(name, "tokenizer_config.json", offline)
    vocabulary = _settings(name, "vocab.json", offline) if ctc else {}
    if ctc and not vocabulary:
        raise InputError(
            f"{name!r} has no vocab.json, so its CTC classes have no names; use a CTC checkpoint"
        )
    if ctc and len(vocabulary) > config.vocab_size:
        raise FormatError(f"{name!r}: vocab.json has {len(vocabulary)} tokens, the model {config.vocab_size}")
    if any(not isinstance(index, int) for index in vocabulary.values()):
        raise InputError(
            f"vocab.json of {name!r} is not one list of tokens; models with adapters are not supported"
        )
    pad = tokenizer.get("pad_token", "<pad>")
    pad = pad.get("content", "<pad>") if isinstance(pad, dict) else pad
    own = _settings(name, "genlock.json", offline)
    return SpeechEncoder(
        model=model,
        source=name,
        kernels=tuple(config.conv_kernel),
        strides=tuple(config.conv_stride),
        sample_rate=int(settings.get("sampling_rate", 16000)),
        normalize=bool(settings.get("do_normalize", True)),
        vocabulary={str(token): int(index) for token, index in vocabulary.items()},
        blank=int(vocabulary.get(pad, config.pad_token_id or 0)),
        word_delimiter=str(tokenizer.get("word_delimiter_token") or "|"),
        bias_seconds=_seconds(name, own, "bias_seconds"),
        widen_seconds=_seconds(name, own, "widen_seconds"),
    )


def _seconds(name: str, own: Mapping[str, object], key: str) -> Fraction:
    value = own.get(key, 0)
    try:
        return exact(value)  # type: ignore[arg-type]
    except (GenlockError, TypeError, ValueError) as error:
        raise FormatError(f"genlock.json of {name!r}: {key} is {value!r}, not a number of seconds") from error


def _configuration(name: str, offline: bool) -> Any:
    folder = Path(name)
    if folder.exists() and not (folder / "config.json").is_file():
        raise InputError(
            f"{name!r} has no config.json; give the folder of a checkpoint of Hugging Face's form"
        )
    try:
        return transformers.AutoConfig.from_pretrained(name, local_files_only=offline or folder.exists())
    except ValueError as error:
        raise InputError(f"{name!r} is no checkpoint that can be used: {_first_line(error)}") from error
    except (OSError, KeyError) as error:
        if folder.exists():
            raise FormatError(
                f"config.json of {name!r} is damaged ({_first_line(error)}); fetch it again"
            ) from error
        raise _not_here(name) from error


def _not_here(name: str) -> MissingModel:
    told = f"the model {name!r} is neither a folder nor in the local cache"
    if not is_hub_name(name):
        return MissingModel(f"{told}, and no name of the hub (OWNER/NAME)")
    error = MissingModel(f"{told}; get it with: {how_to_get(name)}")
    error.fetch = name
    return error


@contextmanager
def without_advice() -> Iterator[None]:
    """Within the block transformers keeps its warnings to itself: what matters is told by our own errors."""
    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(level)


def _weights(name: str, config: Any, ctc: bool, offline: bool) -> Any:
    maker = transformers.AutoModelForCTC if ctc else transformers.AutoModel
    try:
        with without_advice():
            model, report = maker.from_pretrained(
                name,
                config=config,
                local_files_only=offline or Path(name).exists(),
                use_safetensors=None,
                output_loading_info=True,
                weights_only=True,
                dtype=torch.float32,
            )
    except Exception as error:
        raise FormatError(
            f"the weights of {name!r} cannot be loaded ({_first_line(error)}); fetch or save them again"
        ) from error
    missing = [
        key
        for key in report["missing_keys"]
        if "masked_spec_embed" not in key and "parametrizations" not in key
    ]
    if any("lm_head" in key for key in missing):
        raise InputError(f"{name!r} has no CTC head, so it cannot recognise; use a CTC checkpoint")
    if missing:
        raise FormatError(
            f"{name!r} lacks {len(missing)} of its weights, such as {missing[0]!r}; fetch it again"
        )
    model = model.eval().requires_grad_(False)
    for module in list(model.modules()):
        # Weight norm is computed anew in every call; the weights do not change any more.
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    return model


def _settings(name: str, file: str, offline: bool) -> dict[str, Any]:
    """One of the checkpoint's small JSON files, or nothing if it has no such file."""
    path = transformers.utils.hub.cached_file(
        name,
        file,
        local_files_only=offline or Path(name).exists(),
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if path is None:
        return {}
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"{file} of {name!r} is damaged ({error}); fetch it again") from error
    return dict(data) if isinstance(data, dict) else {}


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
