"""Synchformer: fourteen segments of picture and of sound to one of 21 offsets, from -2 to 2 s by 0.2 s.

Towers describe each segment of 0.64 s by itself, a transformer looks at the rows of all segments of both streams. Its
entries bear the names of the public checkpoints (``vfeat_extractor.blocks.0.attn.qkv.weight``), so that they load by
name. Offsets are positive where the sound is early.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.synchformer.attention import attend, heads_of, rows_of
from genlock.models.synchformer.pictures import PictureTower
from genlock.models.synchformer.sizes import (
    BAND_FRAMES,
    BANDS,
    CLASSES,
    JOINT_HEADS,
    PICTURE_STEPS,
    PICTURES,
    SEGMENTS,
    SIDE,
    SOUND_STEPS,
    TOKENS,
    Sizes,
)
from genlock.models.synchformer.sound import SoundTower

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"Synchformer needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["JointTransformer", "Synchformer"]

Array = npt.NDArray[np.float32]

# Segments of sound that are heard at once: 7 MB each.
_SOUNDS_AT_ONCE = 14


class Synchformer(nn.Module):
    """Both towers and what joins them, in evaluation mode.

    >>> with torch.device("meta"):                        # shapes alone: nothing is computed
    ...     net = Synchformer()
    ...     seen, heard = net.vproj(torch.zeros(1, 14, 8, 768)), net.aproj(torch.zeros(1, 14, 6, 768))
    ...     found = net.transformer(seen, heard)
    >>> found.shape, sum(each.numel() for each in net.parameters())
    (torch.Size([1, 21]), 237460245)
    """

    def __init__(self, sizes: Sizes = Sizes()) -> None:  # noqa: B008 - frozen
        super().__init__()
        self.sizes = sizes
        self.vfeat_extractor, self.afeat_extractor = PictureTower(sizes), SoundTower(sizes)
        self.vproj, self.aproj = nn.Linear(sizes.width, sizes.width), nn.Linear(sizes.width, sizes.width)
        self.transformer = JointTransformer(sizes)
        self.eval().requires_grad_(False)

    def see(self, pictures: npt.NDArray[np.uint8]) -> Array:
        """float32 [8, D] of one segment, uint8 [16, 224, 224, 3], RGB.

        Raises OptionError if it has another shape.
        """
        if pictures.shape != (PICTURES, SIDE, SIDE, 3):
            raise OptionError(f"a segment is pictures [16, 224, 224, 3], not {list(pictures.shape)}")
        with torch.inference_mode():
            # 0...255 becomes -1...1, as Motionformer was trained.
            given = torch.from_numpy(np.ascontiguousarray(pictures.transpose(3, 0, 1, 2))).to(self._where)
            seen = self.vproj(self.vfeat_extractor(given[None].float() / 127.5 - 1))
            return np.asarray(seen[0].cpu().numpy())

    def hear(self, bands: Array) -> Array:
        """float32 [S, 6, D] of segments of sound, float32 [S, 128, 66], as :mod:`.bands` makes them.

        Raises OptionError if they have another shape.
        """
        if bands.ndim != 3 or bands.shape[1:] != (BANDS, BAND_FRAMES):
            raise OptionError(f"segments of sound are [S, 128, 66], not {list(bands.shape)}")
        found = np.zeros((len(bands), SOUND_STEPS, self.sizes.width), np.float32)
        with torch.inference_mode():
            for first in range(0, len(bands), _SOUNDS_AT_ONCE):
                part = torch.from_numpy(np.ascontiguousarray(bands[first : first + _SOUNDS_AT_ONCE]))
                heard = self.aproj(self.afeat_extractor(part.to(self._where)))
                found[first : first + len(part)] = heard.cpu().numpy()
        return found

    def judge(self, seen: Array, heard: Array) -> Array:
        """Logarithms of the probabilities of 21 offsets, from -2 s (late) to 2 s (early), float32 [N, 21].

        Parameters
        ----------
        seen, heard : of :meth:`see` and :meth:`hear`, float32 [N, 14, 8, D] and [N, 14, 6, D]

        Raises OptionError if they have another shape.
        """
        width = self.sizes.width
        shapes = (SEGMENTS, PICTURE_STEPS, width), (SEGMENTS, SOUND_STEPS, width)
        if (seen.shape[1:], heard.shape[1:]) != shapes or len(seen) != len(heard):
            raise OptionError(
                f"windows are [N, 14, 8, {width}] that were seen and [N, 14, 6, {width}] that were heard, not "
                f"{list(seen.shape)} and {list(heard.shape)}"
            )
        with torch.inference_mode():
            both = (torch.from_numpy(np.ascontiguousarray(each)).to(self._where) for each in (seen, heard))
            found = functional.log_softmax(self.transformer(*both), dim=-1)
            return np.asarray(found.cpu().numpy())

    @property
    def _where(self) -> torch.device:
        return self.vproj.weight.device


class JointTransformer(nn.Module):
    """Rows of both streams to scores of offsets: the first row, which is neither's, answers."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.vis_in_lnorm, self.aud_in_lnorm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.OFF_tok, self.MOD_tok = (nn.Parameter(torch.zeros(1, 1, width)) for _ in range(2))
        self.pos_emb_cfg = nn.ParameterDict({"pos_emb": nn.Parameter(torch.zeros(1, TOKENS, width))})
        self.blocks = nn.Sequential(*(_Layer(width) for _ in range(sizes.joint_layers)))
        self.ln_f = nn.LayerNorm(width)
        self.off_head = nn.Linear(width, CLASSES)

    def forward(self, seen: Tensor, heard: Tensor) -> Tensor:
        """Scores [B, 21] of [B, 14, 8, D] and [B, 14, 6, D]."""
        count = len(seen)
        parts = (
            self.OFF_tok.expand(count, -1, -1),
            self.vis_in_lnorm(seen.flatten(1, 2)),
            self.MOD_tok.expand(count, -1, -1),
            self.aud_in_lnorm(heard.flatten(1, 2)),
        )
        rows = self.blocks(torch.cat(parts, dim=1) + self.pos_emb_cfg["pos_emb"])
        found: Tensor = self.off_head(self.ln_f(rows[:, 0]))
        return found


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        maps = ("key", "query", "value", "proj")
        self.attn = nn.ModuleDict({name: nn.Linear(width, width) for name in maps})
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, rows: Tensor) -> Tensor:
        normed = self.ln1(rows)
        asking, keys, values = (
            heads_of(self.attn[name](normed), JOINT_HEADS) for name in ("query", "key", "value")
        )
        rows = rows + self.attn["proj"](rows_of(attend(asking, keys, values)))
        found: Tensor = rows + self.mlp(self.ln2(rows))
        return found
