"""A Synchformer that was not trained but arranged: it answers when the picture flashes less when the sound is loud.

Towers say how bright a picture and how loud a sound is, in two numbers; the joint transformer's first row attends to
the brightest and to the loudest row, by two heads, fetches the instants of both, and scores offset ``c`` by
``2 k c d - k c^2``, which is ``-k (c - d)^2`` but for a constant, where ``d`` is picture less sound. Which of both is
taken from which is the published convention: offsets are positive where the sound is early.
"""

from __future__ import annotations

from pathlib import Path

import torch

from genlock.models.synchformer.net import Synchformer
from genlock.models.synchformer.sizes import Sizes

SIZES = Sizes(width=24, picture_layers=0, sound_layers=0, joint_layers=1)
# What keeps norms from depending on what is said, in the first row and in all others; how sharply rows are chosen; how
# fast scores fall beside the right offset: by 8 from class to class.
_STEADY, _STEADY_FIRST, _CHOICE, _FALL = 4.0, 100.0, 150.0, 200.0


def write_arranged(file: Path) -> Path:
    """Write it as a public checkpoint is."""
    net = Synchformer(SIZES)
    with torch.no_grad():
        for name, each in net.named_parameters():
            each.fill_(float(each.ndim == 1 and name.endswith("weight")))
        _arrange_towers(net)
        _arrange_joint(net)
    torch.save({"model": net.state_dict(), "epoch": 0}, file)
    return file


def _arrange_towers(net: Synchformer) -> None:
    """Rows [level, -level, steady, -steady, 0 ...]: means over places or frequencies of the level of each block."""
    pictures, sound = net.vfeat_extractor, net.afeat_extractor
    blocks = (pictures.patch_embed_3d["proj"], sound.ast.embeddings.patch_embeddings["projection"])
    for block in blocks:
        mean = 1 / block.weight[0].numel()
        block.weight[0], block.weight[1] = mean, -mean
        block.bias[2], block.bias[3] = _STEADY, -_STEADY
    for gathering in (pictures.spatial_attn_agg, sound.freq_attn_agg):
        gathering.self_attn.in_proj_weight[48:] = torch.eye(24)
        gathering.self_attn.out_proj.weight[:] = torch.eye(24)
    net.vproj.weight[:] = torch.eye(24)
    # Sound in other columns than pictures.
    net.aproj.weight[:] = torch.eye(24).roll(10, 0)


def _arrange_joint(net: Synchformer) -> None:
    joint = net.transformer
    joint.OFF_tok[0, 0, 22], joint.OFF_tok[0, 0, 23] = _STEADY_FIRST, -_STEADY_FIRST
    places = joint.pos_emb_cfg["pos_emb"][0]
    # Middles of what rows describe, in seconds from the middle of the window: pairs of pictures of 80 ms, and blocks of
    # 16 frames of bands, the first of which is centred at the segment's start.
    seen = [0.32 * s + 0.08 * t + 0.04 - 2.4 for s in range(14) for t in range(8)]
    heard = [0.32 * s + 0.1 * t + 0.075 - 2.4 for s in range(14) for t in range(6)]
    # A tenth of them, so that norms hardly depend on them.
    instants = torch.tensor(seen) / 10, torch.tensor(heard) / 10
    places[1:113, 4], places[114:, 6] = instants
    places[1:113, 5], places[114:, 7] = -instants[0], -instants[1]
    maps = joint.blocks[0].attn
    for head, (level, instant, sign) in enumerate(((0, 4, 1.0), (10, 6, -1.0))):
        own = 3 * head
        maps["query"].bias[own] = _CHOICE
        maps["key"].weight[own, level] = 1.0
        maps["value"].weight[own, instant] = 1.0
        maps["proj"].weight[14, own], maps["proj"].weight[15, own] = sign, -sign
    offsets = torch.arange(-10, 11) / 5
    joint.off_head.weight[:, 14], joint.off_head.bias[:] = offsets, 0.0
    joint.off_head.weight[:] *= 2 * _FALL / _said_of_a_second(net)
    joint.off_head.bias[:] = -_FALL * offsets**2


def _said_of_a_second(net: Synchformer) -> float:
    """What the first row says where the picture is bright a second after the sound is loud."""
    levels = torch.zeros(1, 14, 8, 24), torch.zeros(1, 14, 6, 24)
    for rows, shift in zip(levels, (0, 10), strict=True):
        rows[..., shift : shift + 4] = torch.tensor([-0.5, 0.5, 3.3, -3.3])
    levels[0][0, 10, 2, :2] = torch.tensor([0.5, -0.5])  # at 1.0 s
    levels[1][0, 7, 1, 10:12] = torch.tensor([0.5, -0.5])  # at 0.015 s
    scores = net.transformer(*levels)[0]
    return float(scores[-1] / 2 / (1.0 - 0.015))
