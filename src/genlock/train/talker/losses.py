"""What a talker is asked for: where the mouth is, how fast it moves, how far it opens, that it closes, moves enough.

A network that is asked only for places answers with the mean of all that may come, and the mouth hardly moves. Speeds,
the opening and the magnitude of movement are asked for by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from genlock.extractors.face.pose import LIPS
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.flow import FLOW_UNIT, FLOW_WAVES
from genlock.models.talker.resting import INNER_LOWER, INNER_UPPER
from genlock.train.talker.networks import TalkerNetwork
from genlock.train.talker.options import LossWeights
from genlock.train.talker.targets import JAW

__all__ = ["ASKED", "Asked", "at_frames", "flow_loss", "talker_loss"]

Tensor = torch.Tensor

#: Points of the mesh that are asked for: the lips, then the jaw.
ASKED: tuple[int, ...] = (*LIPS, *(p for p in JAW if p not in LIPS))
_LIPS = len(LIPS)
_UPPER = [ASKED.index(p) for p in INNER_UPPER]
_LOWER = [ASKED.index(p) for p in INNER_LOWER]
# Lengths are told in units of this, about what lips move by, in eye distances.
_UNIT = 0.03
_USUAL_STEP = 0.04
# Distances below this are within the tracker's noise.
_SOFT = 0.15
# How far beyond the level lips shall be, so that they are surely open or closed, in eye distances.
_SURE = 0.004


@dataclass(frozen=True, eq=False)
class Asked:
    """The movements of a basis at the points that are asked for."""

    moves: Tensor
    """[K, P, 2]."""

    @classmethod
    def of(cls, basis: FaceBasis) -> Asked:
        """Of a basis."""
        return cls(torch.from_numpy(np.ascontiguousarray(basis.components[:, list(ASKED), :2])))


def at_frames(cells: Tensor, left: Tensor, share: Tensor) -> Tensor:
    """Rows of a clock [B, N, K] at the centres of frames, [B, T, K], as ``Track.on`` reads them: evenly between cells.

    ``left`` [B, T] is the cell before a centre, ``share`` [B, T] how far it is to the next one.
    """
    wide = left[..., None].expand(-1, -1, cells.shape[2])
    before = torch.gather(cells, 1, wide)
    after = torch.gather(cells, 1, (wide + 1).clamp(max=cells.shape[1] - 1))
    return before + (after - before) * share[..., None]


def talker_loss(
    weights: Tensor,
    true: Tensor,
    true_weights: Tensor,
    valid: Tensor,
    gaps: Tensor,
    rest: Tensor,
    closed: Tensor,
    asked: Asked,
    o: LossWeights,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum over the clips of their losses, and its parts.

    Parameters
    ----------
    weights : of the basis at the frames, [B, T, K]
    true : displacement of the points that are asked for, [B, T, P, 2]
    true_weights : of the basis, [B, T, K]
    valid : frames in which the face was seen, [B, T]
    gaps : seconds from the frame before to each, [B, T]
    rest : opening of the resting lips, [B]
    closed : opening up to which a clip's lips count as closed, [B]
    """
    made = torch.einsum("btk,kpc->btpc", weights, asked.moves)
    wrong, there = (made - true) / _UNIT, valid.float()
    both = there[:, 1:] * there[:, :-1]
    faster = (_USUAL_STEP / gaps[:, 1:].clamp(min=1e-3))[..., None, None]
    step_made, step_true = (made[:, 1:] - made[:, :-1]) * faster, (true[:, 1:] - true[:, :-1]) * faster
    gap_made, gap_true = _opening(made) + rest[:, None], _opening(true) + rest[:, None]
    over = _wrongly_closed(gap_made, gap_true, closed[:, None], o.closed)
    parts = {
        "place": _mean(_far(wrong), there),
        "velocity": _mean(_far((step_made - step_true) / _UNIT * 2), both),
        "opening": _mean(torch.sqrt(((gap_made - gap_true) / _UNIT) ** 2 + _SOFT**2) - _SOFT, there),
        "closure": _mean(over / _UNIT, there),
        "energy": torch.log(_power(step_made, both) / _power(step_true, both)) ** 2,
        "weights": _mean(((weights - true_weights) ** 2).mean(-1), there),
    }
    total = sum(getattr(o, f"{name}_loss") * part for name, part in parts.items())
    assert isinstance(total, Tensor)
    return total.sum(), {name: part.detach().sum() for name, part in parts.items()}


def _wrongly_closed(made: Tensor, true: Tensor, own_level: Tensor, level: float) -> Tensor:
    """How far lips are open that should be closed, or closed that should be open, [B, T]."""
    if level:
        return torch.relu(made - level) * (true < level) + torch.relu(level - made) * (true > 1.5 * level)
    # A closure at the wrong one of two frames costs its place only.
    shut = (true <= own_level).float()
    near = functional.max_pool1d(shut[:, None], 3, 1, 1)[:, 0]
    return torch.relu(made - own_level + _SURE) * shut + torch.relu(own_level + _SURE - made) * (1 - near)


def flow_loss(
    network: TalkerNetwork, inside: Tensor, mean: Tensor, true: Tensor, there: Tensor, lengths: Tensor
) -> Tensor:
    """The sum over the clips of how wrongly a flow points, from noise to the departure of the truth from the mean.

    Parameters
    ----------
    network : of the flow
    inside, mean : what the talker's network gives at the cells, [B, N, W] and [B, N, K]; they learn nothing from it
    true : weights at the cells, [B, N, K]
    there : cells at which they are known, [B, N]
    """
    inside, mean = inside.detach(), mean.detach()
    goal, noise = (true - mean) / FLOW_UNIT, torch.randn_like(true)
    time = torch.rand(len(true), 1, 1, device=true.device)
    at = noise + time * (goal - noise)
    turns = 2 * torch.pi * time * torch.tensor(FLOW_WAVES, device=true.device)
    clock = torch.cat([time, torch.sin(turns), torch.cos(turns)], -1).expand(-1, true.shape[1], -1)
    told = network(torch.cat([inside, mean, at, clock], -1), lengths)
    return _mean(((told - (goal - noise)) ** 2).mean(-1), there.float()).sum()


def _opening(moved: Tensor) -> Tensor:
    return (moved[:, :, _LOWER, 1] - moved[:, :, _UPPER, 1]).mean(-1)


def _far(wrong: Tensor) -> Tensor:
    """Mean distance over the points, the lips counting twice, [B, T]; soft within the tracker's noise."""
    apart = torch.sqrt((wrong**2).sum(-1) + _SOFT**2) - _SOFT
    return apart[..., :_LIPS].mean(-1) + 0.5 * apart[..., _LIPS:].mean(-1)


def _mean(values: Tensor, there: Tensor) -> Tensor:
    return (values * there).sum(1) / there.sum(1).clamp(min=1)


def _power(steps: Tensor, there: Tensor) -> Tensor:
    return _mean((steps[:, :, :_LIPS] ** 2).sum(-1).mean(-1), there) + 1e-7
