"""A recogniser of sound and lips for those who have arrays: numpy in, numpy out, clip by clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.avhubert.alignment import diagonal_scores
from genlock.models.avhubert.decoder import DecoderCache
from genlock.models.avhubert.recognizer import AVRecognizer

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["RecognizerArrays", "SpellingArrays"]

Rows: TypeAlias = npt.NDArray[np.float32]


class RecognizerArrays:
    """The parts of a recogniser, one by one.

    Parameters
    ----------
    network : in evaluation mode
    """

    def __init__(self, network: AVRecognizer) -> None:
        self.network = network
        self.width = int(network.encoder.shape.width)

    @torch.inference_mode()
    def hear(self, sound: Rows) -> Rows:
        """Rows [T, W] of the sound's front, of features [T, 104]."""
        return _array(self.network.encoder.feature_extractor_audio(_tensor(sound.T)[None])[0])

    @torch.inference_mode()
    def see(self, picture: Rows) -> Rows:
        """Rows [T, W] of the picture's front, of levelled mouths [T, H, W]."""
        return _array(self.network.encoder.feature_extractor_video(_tensor(picture)[None, None])[0])

    @torch.inference_mode()
    def encode(
        self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None, lengths: Sequence[int]
    ) -> tuple[list[Rows], list[Rows] | None]:
        """Memory [T, W] of each clip of a batch, and its log-probabilities [T, V] where there is a CTC head."""
        sound, picture = (None if side is None else self._side(side, lengths) for side in (heard, seen))
        padding = _padding(lengths)
        last = self.network.encoder.encode(sound, picture, padding if padding.any() else None).last
        memory = [_array(last[k, :length]) for k, length in enumerate(lengths)]
        if self.network.ctc is None:
            return memory, None
        spelt = self.network.log_probabilities(last)
        return memory, [_array(spelt[k, :length]) for k, length in enumerate(lengths)]

    def _side(self, rows: Sequence[Rows], lengths: Sequence[int]) -> Tensor:
        """One stream of a batch, padded with zeros, [B, T, W]."""
        side = torch.zeros(len(lengths), max(lengths), self.width)
        for number, one in enumerate(rows):
            side[number, : len(one)] = _tensor(one)
        return side

    @torch.inference_mode()
    def shifts(
        self, heard: Rows, seen: Rows, there: npt.NDArray[np.bool_], shown: npt.NDArray[np.bool_], least: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Of memories [T, W] of the sound and the picture alone: how well each shift fits, over how many pairs, and how
        likely it is among those with at least ``least`` pairs (NaN if there are none).

        Raises OptionError if alignment was not learnt.
        """
        head = self.network.alignment
        if head is None:
            raise OptionError("this model was not taught to align")
        sides = head.sound(_tensor(heard)[None]), head.picture(_tensor(seen)[None])
        units = [torch.nn.functional.normalize(side, dim=-1) for side in sides]
        masks = [torch.from_numpy(np.ascontiguousarray(one))[None] for one in (there, shown)]
        found = diagonal_scores(units[0], units[1], masks[0], masks[1])
        chance = torch.softmax(head.logits(found, least)[0], -1).double().numpy()
        return found.scores[0].double().numpy(), found.pairs[0].numpy(), chance

    @torch.inference_mode()
    def helps(self, numbers: Rows) -> bool:
        """Whether the gate takes the picture, of its numbers about a clip; True if there is no gate."""
        gate = self.network.gate
        return gate is None or bool(gate(_tensor(numbers)[None])[0] > 0)


class SpellingArrays:
    """The decoder over a batch of clips, several hypotheses each, which never change their clip: the memory is never
    copied.

    Raises OptionError if the recogniser has no decoder.
    """

    def __init__(self, network: AVRecognizer, memories: Sequence[Rows], hypotheses: int) -> None:
        if network.decoder is None:
            raise OptionError("this model has no decoder; --beam 0 takes the likeliest symbol of each frame")
        lengths = [len(rows) for rows in memories]
        memory = torch.zeros(len(memories), max(lengths), network.parts.encoder.width)
        for number, rows in enumerate(memories):
            memory[number, : len(rows)] = _tensor(rows)
        self._decoder = network.decoder
        with torch.inference_mode():
            start = self._decoder.start(memory, _padding(lengths))
            self._cache = start.chosen(torch.arange(len(memories)).repeat_interleave(hypotheses))

    @torch.inference_mode()
    def step(self, parents: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]) -> Rows:
        """Append a token to hypotheses [N], and say how likely each next token is, log [N, V]."""
        rows = torch.from_numpy(np.ascontiguousarray(parents))
        past = [(keys[rows], values[rows]) for keys, values in self._cache.past]
        self._cache = DecoderCache(self._cache.memory, self._cache.padding, past)
        logits = self._decoder.step(torch.from_numpy(np.ascontiguousarray(tokens)), self._cache)
        return _array(torch.log_softmax(logits, -1))


def _padding(lengths: Sequence[int]) -> Tensor:
    """True where a clip has no frame, bool [B, T]."""
    return torch.arange(max(lengths))[None] >= torch.tensor(lengths)[:, None]


def _tensor(values: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _array(values: Tensor) -> Rows:
    return np.asarray(values.detach().cpu().numpy(), np.float32)
