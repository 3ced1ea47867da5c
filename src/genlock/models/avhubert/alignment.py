"""The shift between sound and picture, by the encoder itself: it hears alone, sees alone, and both are compared.

Both passes give unit vectors, one a frame. The mean of their products along a diagonal of the T x T similarity says how
well a shift fits; :mod:`genlock.aligners.diagonal` is the same in numpy and makes a curve on the clock of it. What is
padded or missing is no part of any mean. (The published code rolls the picture round instead, counts padding in, and
never takes the exponent of its temperature.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.avhubert.encoder import AVHuBERT

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["REACH_FRAMES", "AlignmentHead", "Shifts", "diagonal_scores", "encode_apart", "shift_scores"]

#: How far shifts go to either side, in frames, as published: a second.
REACH_FRAMES = 25
# Where the temperature begins, and the sharpest that it may become.
_FIRST_TEMPERATURE, _SHARPEST = 0.07, 100.0


@dataclass(frozen=True, eq=False)
class Shifts:
    """How well each shift fits, for each clip of a batch.

    Column k pairs sound frame t with picture frame ``t + k - reach``: right of the middle the sound is early.
    """

    scores: Tensor
    """Mean product along each diagonal, -1...1, [B, 2 reach + 1]; 0 where there are no pairs."""
    pairs: Tensor
    """How many pairs of frames it was taken over, int64 [B, 2 reach + 1]."""


class AlignmentHead(nn.Module):
    """What alignment learns beside the encoder: a temperature and, if asked for, one map for each stream.

    Parameters
    ----------
    width : of the encoder
    channels : in which frames are compared; None: as the encoder gives them, as published
    """

    def __init__(self, width: int, channels: int | None = None) -> None:
        super().__init__()
        self.width, self.channels = width, channels
        self.logit_scale_a = nn.Parameter(torch.tensor(math.log(1 / _FIRST_TEMPERATURE)))
        self.sound = nn.Linear(width, channels) if channels else nn.Identity()
        self.picture = nn.Linear(width, channels) if channels else nn.Identity()

    @property
    def scale(self) -> Tensor:
        """One over the temperature: what scores are multiplied with to become logits."""
        return self.logit_scale_a.exp().clamp(max=_SHARPEST)

    def logits(self, shifts: Shifts, least_frames: int = 5) -> Tensor:
        """Logits [B, 2 reach + 1] of all shifts; minus infinity where fewer than ``least_frames`` pairs are there."""
        return (shifts.scores * self.scale).masked_fill(shifts.pairs < least_frames, float("-inf"))


def encode_apart(
    model: AVHuBERT,
    sound: Tensor,
    picture: Tensor,
    padding: Tensor | None = None,
    head: AlignmentHead | None = None,
) -> tuple[Tensor, Tensor]:
    """What the encoder hears alone and sees alone, as unit vectors, [B, Ts, C] and [B, Tp, C].

    Parameters
    ----------
    sound, picture, padding : as of the encoder
    head : maps both first; None: as published
    """
    heard, seen = model(sound, None, padding).last, model(None, picture, padding).last
    if head is not None:
        heard, seen = head.sound(heard), head.picture(seen)
    return functional.normalize(heard, dim=-1), functional.normalize(seen, dim=-1)


def diagonal_scores(
    heard: Tensor,
    seen: Tensor,
    there: Tensor | None = None,
    shown: Tensor | None = None,
    reach_frames: int = REACH_FRAMES,
) -> Shifts:
    """Mean product along each diagonal, of a batch; gradients flow.

    Parameters
    ----------
    heard, seen : unit vectors [B, Ts, C] and [B, Tp, C]
    there, shown : which frames of sound [B, Ts] and of picture [B, Tp] count, bool; all of them if not given
    reach_frames : shifts go so far to either side; at least 1

    Examples
    --------
    >>> rows = functional.normalize(torch.randn(1, 40, 8), dim=-1)
    >>> shifts = diagonal_scores(rows[:, 3:], rows[:, :-3])      # the sound is three frames early
    >>> int(shifts.scores[0].argmax()) - 25, int(shifts.pairs[0].max())
    (3, 37)
    """
    if heard.ndim != 3 or seen.ndim != 3 or len(heard) != len(seen) or reach_frames < 1:
        raise OptionError(
            f"vectors are [B, Ts, C] and [B, Tp, C] and the reach at least 1, not {list(heard.shape)}, "
            f"{list(seen.shape)} and {reach_frames}"
        )
    ones = heard.new_ones
    left = ones(heard.shape[:2]) if there is None else there.to(heard.dtype)
    right = ones(seen.shape[:2]) if shown is None else shown.to(seen.dtype)
    heard, seen = heard * left[..., None], seen * right[..., None]
    totals, pairs = [], []
    for shift in range(-reach_frames, reach_frames + 1):
        first, stop = max(0, -shift), max(0, min(heard.shape[1], seen.shape[1] - shift))
        stop = max(first, stop)
        of_sound, of_picture = slice(first, stop), slice(first + shift, stop + shift)
        totals.append((heard[:, of_sound] * seen[:, of_picture]).sum((1, 2)))
        pairs.append((left[:, of_sound] * right[:, of_picture]).sum(1))
    total, count = torch.stack(totals, 1), torch.stack(pairs, 1)
    return Shifts(total / count.clamp(min=1), count.round().long())


def shift_scores(
    model: AVHuBERT,
    sound: Tensor,
    picture: Tensor,
    padding: Tensor | None = None,
    head: AlignmentHead | None = None,
    *,
    shown: Tensor | None = None,
    reach_frames: int = REACH_FRAMES,
) -> Shifts:
    """How well each shift fits, by the encoder's two passes.

    Parameters
    ----------
    sound : float [B, 104, T]
    picture : float [B, 1, T, H, W], its frames on the same cells as the sound's
    padding : True where neither is there, bool [B, T]
    shown : which frames show the face, bool [B, T]; all that are not padded if not given

    Examples
    --------
    >>> from genlock.models.avhubert.shape import preset
    >>> model = AVHuBERT(preset("nano")).eval()
    >>> shifts = shift_scores(model, torch.randn(1, 104, 30), torch.randn(1, 1, 30, 88, 88))
    >>> shifts.scores.shape, shifts.pairs[0, [0, 25, 50]].tolist()
    (torch.Size([1, 51]), [5, 30, 5])
    """
    heard, seen = encode_apart(model, sound, picture, padding, head)
    there = None if padding is None else ~padding.bool()
    both = there if shown is None or there is None else shown.bool() & there
    return diagonal_scores(heard, seen, there, shown if there is None else both, reach_frames)
