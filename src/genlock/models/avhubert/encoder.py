"""The encoder: sound and lips, or one of them, to one row of frames.

Each stream passes its own front; the two are laid side by side, normed and mapped to the transformer's width. The
transformer is the one of HuBERT, from ``transformers``, which agrees with the public code to the numbers. A stream that
is missing is zeros after its front, as it was in training: the model tells that from one that is silent or black.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.avhubert.front import PictureFront, SoundFront
from genlock.models.avhubert.shape import AVHuBERTShape

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
    from transformers import HubertConfig
    from transformers.models.hubert.modeling_hubert import HubertEncoder, HubertEncoderStableLayerNorm
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["AVHuBERT", "AVOutput", "normalised_sound"]

#: Cosines of frames and clusters are divided by this.
TEMPERATURE = 0.1
# The smallest product of lengths by which a cosine is divided.
_LEAST_LENGTH = 1e-6


@dataclass(frozen=True, eq=False)
class AVOutput:
    """What the encoder says of a batch."""

    last: Tensor
    """Its last layer, after the norm where there is one, [B, T, W]."""
    layers: tuple[Tensor, ...]
    """Row k is layer k, [B, T, W]; 0 is what goes into the first one. Empty unless asked for."""
    padding: Tensor | None
    """True where there is no frame, bool [B, T]; None: all are there."""


class AVHuBERT(nn.Module):
    """Sound and mouths, 25 frames a second, to a row of frames.

    Parameters
    ----------
    shape : how large it is

    Examples
    --------
    >>> from genlock.models.avhubert.shape import preset
    >>> model = AVHuBERT(preset("nano")).eval()
    >>> sound, picture = torch.zeros(1, 104, 10), torch.zeros(1, 1, 10, 88, 88)
    >>> model(sound, picture).last.shape, model(None, picture).last.shape
    (torch.Size([1, 10, 192]), torch.Size([1, 10, 192]))
    >>> len(model(sound, layers=True).layers)
    5
    """

    def __init__(self, shape: AVHuBERTShape) -> None:
        super().__init__()
        self.shape = shape
        self.feature_extractor_audio = SoundFront(shape)
        self.feature_extractor_video = PictureFront(shape)
        self.layer_norm = nn.LayerNorm(2 * shape.width)
        self.post_extract_proj = nn.Linear(2 * shape.width, shape.width)
        self.dropout_input = nn.Dropout(shape.input_dropout)
        self.encoder = _transformer(shape)
        if shape.clusters:
            self.mask_emb = nn.Parameter(torch.rand(shape.sound_width))
            self.final_proj = nn.Linear(shape.width, shape.final)
            self.label_embs_concat = nn.Parameter(torch.rand(shape.clusters, shape.final))

    def forward(
        self,
        sound: Tensor | None = None,
        picture: Tensor | None = None,
        padding: Tensor | None = None,
        layers: bool = False,
        *,
        hears: Tensor | None = None,
        sees: Tensor | None = None,
    ) -> AVOutput:
        """Run it.

        Parameters
        ----------
        sound : float [B, 104, T], each frame normed by itself (:func:`normalised_sound`); None: there is none
        picture : float [B, 1, T, H, W], grey, normed as the model was trained; None: there is none
        padding : True where there is no frame, bool [B, T]; what lies there changes nothing before the fronts' reach
        layers : whether each layer is told, not only the last
        hears, sees : bool [B]; where False, that clip's sound or picture counts as missing

        Raises
        ------
        OptionError
            If there is neither, or their shapes do not fit.
        """
        return self.encode(*self.fronts(sound, picture), padding, layers, hears=hears, sees=sees)

    def fronts(self, sound: Tensor | None, picture: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """Each stream after its front, [B, T, W] or None: what need not be computed twice for several shifts.

        Raises OptionError if there is neither, or their shapes do not fit.
        """
        self._check(sound, picture)
        return (
            None if sound is None else self.feature_extractor_audio(sound),
            None if picture is None else self.feature_extractor_video(picture),
        )

    def encode(
        self,
        heard: Tensor | None,
        seen: Tensor | None,
        padding: Tensor | None = None,
        layers: bool = False,
        *,
        hears: Tensor | None = None,
        sees: Tensor | None = None,
    ) -> AVOutput:
        """The rest of the way, from what :meth:`fronts` gave, [B, T, W] each; zeros stand for a stream that is None.

        Raises OptionError if both are, or their shapes do not fit.
        """
        one = heard if heard is not None else seen
        if one is None or (heard is not None and seen is not None and heard.shape != seen.shape):
            raise OptionError("encode takes the rows of sound, of picture or of both, of one shape [B, T, W]")
        if padding is not None and padding.shape != one.shape[:2]:
            raise OptionError(f"padding has shape {list(padding.shape)}, the frames {list(one.shape[:2])}")
        streams = [
            torch.zeros_like(one) if rows is None else _where(rows, kept)
            for rows, kept in ((heard, hears), (seen, sees))
        ]
        rows = self.dropout_input(self.post_extract_proj(self.layer_norm(torch.cat(streams, -1))))
        there = None if padding is None else ~padding.bool()
        with _told(self.encoder if layers else None) as told:
            last = self.encoder(rows, attention_mask=there).last_hidden_state
        return AVOutput(last, tuple(told), padding)

    def cluster_logits(self, last: Tensor) -> Tensor:
        """How much each frame [B, T, W] is like each cluster, [B, T, clusters]: cosines over 0.1.

        Raises OptionError if the model has no clusters.
        """
        self._require_clusters()
        frames = self.final_proj(last)
        lengths = frames.norm(dim=-1, keepdim=True) * self.label_embs_concat.norm(dim=-1)
        cosines = frames @ self.label_embs_concat.T / lengths.clamp(min=_LEAST_LENGTH)
        logits: Tensor = cosines / TEMPERATURE
        return logits

    def masked_sound(self, sound: Tensor, mask: Tensor) -> Tensor:
        """Sound [B, 104, T] with the learnt vector in the place of the frames where ``mask`` [B, T] is True.

        Raises OptionError if the model has none, because it has no clusters.
        """
        self._require_clusters()
        return torch.where(mask[:, None], self.mask_emb[None, :, None].to(sound.dtype), sound)

    def _require_clusters(self) -> None:
        if not self.shape.clusters:
            raise OptionError("this model has no clusters and no mask: it is not one for pretraining")

    def _check(self, sound: Tensor | None, picture: Tensor | None) -> None:
        if sound is None and picture is None:
            raise OptionError("AV-HuBERT was given neither sound nor picture; it takes one or both")
        width = self.shape.sound_width
        if sound is not None and (sound.ndim != 3 or sound.shape[1] != width):
            raise OptionError(f"sound is [B, {width}, T], not {list(sound.shape)}")
        if picture is not None and (picture.ndim != 5 or picture.shape[1] != 1):
            raise OptionError(f"a picture is [B, 1, T, H, W], not {list(picture.shape)}")
        if sound is not None and picture is not None:
            one, other = (sound.shape[0], sound.shape[2]), (picture.shape[0], picture.shape[2])
            if one != other:
                raise OptionError(
                    f"sound of {one[0]} clips with {one[1]} frames and picture of {other[0]} with {other[1]}: "
                    "cut them to the same frames"
                )


def normalised_sound(sound: Tensor) -> Tensor:
    """Each frame of [B, 104, T] with mean 0 and variance 1, as the public models take it.

    >>> normalised_sound(torch.arange(8.0).reshape(1, 4, 2))[0, :, 0].mean().item()
    0.0
    """
    return functional.layer_norm(sound.transpose(1, 2), sound.shape[1:2]).transpose(1, 2)


def _where(rows: Tensor, kept: Tensor | None) -> Tensor:
    return rows if kept is None else rows * kept[:, None, None].to(rows.dtype)


def _transformer(shape: AVHuBERTShape) -> nn.Module:
    settings: dict[str, Any] = {
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.ffn,
        "num_conv_pos_embeddings": shape.position_kernel,
        "num_conv_pos_embedding_groups": shape.position_groups,
        "hidden_dropout": shape.dropout,
        "attention_dropout": shape.attention_dropout,
        "activation_dropout": shape.activation_dropout,
        "layerdrop": shape.layer_dropout,
        "do_stable_layer_norm": shape.norm_first,
        "attn_implementation": "sdpa",
    }
    made: nn.Module = (HubertEncoderStableLayerNorm if shape.norm_first else HubertEncoder)(
        HubertConfig(**settings)
    )
    for module in made.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv1d):
            # The published start of the convolution of positions.
            spread = math.sqrt(4 / (shape.position_kernel * shape.width))
            module.weight = torch.randn_like(module.weight) * spread
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return made


@contextmanager
def _told(transformer: nn.Module | None) -> Iterator[list[Tensor]]:
    """Within the block: what goes into the first layer, and what each one gives."""
    told: list[Tensor] = []
    if transformer is None:
        yield told
        return

    def enters(module: nn.Module, given: tuple[Any, ...]) -> None:
        told.append(given[0])

    def leaves(module: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        told.append(out if isinstance(out, Tensor) else out[0])

    stack: Any = transformer.layers
    hooks = [stack[0].register_forward_pre_hook(enters), *(m.register_forward_hook(leaves) for m in stack)]
    try:
        yield told
    finally:
        for hook in hooks:
            hook.remove()
