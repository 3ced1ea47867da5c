"""Synchformer once more, row by row in numpy and float64, from the formulas of the papers; slow, and shares no code.

Motionformer with divided attention (Bertasius et al. 2021, section 3), AST (Gong et al. 2021), gathering by a row
of its own, and the joint transformer; and small state dicts of random weights, whose names and shapes are the public
ones but for width and depth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.special import erf
from tests.models.avhubert.planted import weight

VECTORS = Path(__file__).parents[1] / "data" / "synchformer"
NAMES: dict[str, list[int]] = json.loads((VECTORS / "names.json").read_text())
#: Of the small ones: width, and layers of each stack.
WIDTH, LAYERS = 24, 1

State = Mapping[str, np.ndarray]


def small_shapes(width: int = WIDTH, layers: int = LAYERS) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a small Synchformer: the public ones with another width, and the first layers alone."""
    stacks = (".blocks.", ".layer.")
    kept = {}
    for name, shape in NAMES.items():
        numbers = [int(name.split(s)[1].split(".")[0]) for s in stacks if s in name]
        if all(number < layers for number in numbers):
            kept[name] = tuple(side * width // 768 if side % 768 == 0 else side for side in shape)
    return kept


def small_state(width: int = WIDTH, layers: int = LAYERS) -> dict[str, torch.Tensor]:
    """Weights that are functions of their names."""
    return {n: torch.from_numpy(np.asarray(weight(n, s))) for n, s in small_shapes(width, layers).items()}


def see(state: State, pictures: np.ndarray) -> np.ndarray:
    """[8, D] of one segment, [16, 224, 224, 3] of 0...255."""
    own = _part(state, "vfeat_extractor.")
    values = pictures / 255.0 * 2 - 1
    kernel, rows = own["patch_embed_3d.proj.weight"], {}
    for t in range(8):
        for y in range(14):
            for x in range(14):
                block = values[2 * t : 2 * t + 2, 16 * y : 16 * y + 16, 16 * x : 16 * x + 16]
                row = np.einsum("dctyx,tyxc->d", kernel, block) + own["patch_embed_3d.proj.bias"]
                place = 14 * y + x
                rows[t, place] = row + own["pos_embed"][0, 1 + place] + own["temp_embed"][0, t]
    all_seeing = own["cls_token"][0, 0] + own["pos_embed"][0, 0]
    for layer in range(LAYERS):
        at = _part(own, f"blocks.{layer}.")
        for norm, kind in (("norm3", "timeattn"), ("norm1", "attn")):
            added = _divided(at, norm, kind, all_seeing, rows)
            all_seeing = all_seeing + added["cls"]
            rows = {key: row + added[key] for key, row in rows.items()}
        mlp = lambda row: _mlp(at, _norm(at, "norm2", row, 1e-6), "mlp.fc1", "mlp.fc2")  # noqa: B023, E731
        all_seeing, rows = all_seeing + mlp(all_seeing), {key: row + mlp(row) for key, row in rows.items()}
    rows = {key: _norm(own, "norm", row, 1e-6) for key, row in rows.items()}
    by_time = [np.stack([rows[t, place] for place in range(196)]) for t in range(8)]
    gathered = np.stack([_gather(_part(own, "spatial_attn_agg."), each) for each in by_time])
    return _linear(state, "vproj", gathered)


def _divided(at: State, norm: str, kind: str, all_seeing: np.ndarray, rows: dict) -> dict:
    """What attention over time (or over space) adds to each row: those of its place (or time) and the first count."""
    maps = {"cls": _linear(at, f"{kind}.qkv", _norm(at, norm, all_seeing, 1e-6))}
    maps |= {key: _linear(at, f"{kind}.qkv", _norm(at, norm, row, 1e-6)) for key, row in rows.items()}
    groups = {"cls": list(maps)}
    for t, place in rows:
        same = [(s, place) for s in range(8)] if kind == "timeattn" else [(t, p) for p in range(196)]
        groups[t, place] = ["cls", *same]
    width, out = len(all_seeing), {}
    stacked = {}
    for key, members in groups.items():
        name = str(members[:2]), len(members)
        if name not in stacked:
            stacked[name] = np.stack([maps[member] for member in members])
        keys, values = stacked[name][:, width : 2 * width], stacked[name][:, 2 * width :]
        out[key] = _linear(at, f"{kind}.proj", _attend(maps[key][:width], keys, values, 12))
    return out


def hear(state: State, bands: np.ndarray) -> np.ndarray:
    """[6, D] of the bands of one segment, [128, 66]."""
    own = _part(state, "afeat_extractor.")
    at = _part(own, "ast.embeddings.")
    rows = [at["cls_token"][0, 0], at["distillation_token"][0, 0]]
    for f in range(12):
        for t in range(6):
            block = bands[10 * f : 10 * f + 16, 10 * t : 10 * t + 16]
            kernel = at["patch_embeddings.projection.weight"][:, 0]
            rows.append((kernel * block).sum((1, 2)) + at["patch_embeddings.projection.bias"])
    rows = np.stack(rows) + at["position_embeddings"][0]
    for layer in range(LAYERS):
        at = _part(own, f"ast.encoder.layer.{layer}.")
        normed = _norm(at, "layernorm_before", rows, 1e-12)
        q, k, v = (_linear(at, f"attention.attention.{m}", normed) for m in ("query", "key", "value"))
        seen = np.stack([_attend(row, k, v, 12) for row in q])
        rows = rows + _linear(at, "attention.output.dense", seen)
        normed = _norm(at, "layernorm_after", rows, 1e-12)
        rows = rows + _mlp(at, normed, "intermediate.dense", "output.dense")
    rows = _norm(own, "ast.layernorm", rows, 1e-12)[2:]
    by_time = [np.stack([rows[6 * f + t] for f in range(12)]) for t in range(6)]
    gathered = np.stack([_gather(_part(own, "freq_attn_agg."), each) for each in by_time])
    return _linear(state, "aproj", gathered)


def judge(state: State, seen: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities [21] of [14, 8, D] and [14, 6, D]."""
    own = _part(state, "transformer.")
    rows = [own["OFF_tok"][0, 0], *_norm(own, "vis_in_lnorm", seen.reshape(112, -1), 1e-5)]
    rows += [own["MOD_tok"][0, 0], *_norm(own, "aud_in_lnorm", heard.reshape(84, -1), 1e-5)]
    rows = np.stack(rows) + own["pos_emb_cfg.pos_emb"][0]
    for layer in range(LAYERS):
        at = _part(own, f"blocks.{layer}.")
        normed = _norm(at, "ln1", rows, 1e-5)
        q, k, v = (_linear(at, f"attn.{m}", normed) for m in ("query", "key", "value"))
        rows = rows + _linear(at, "attn.proj", np.stack([_attend(row, k, v, 8) for row in q]))
        rows = rows + _mlp(at, _norm(at, "ln2", rows, 1e-5), "mlp.0", "mlp.2")
    scores = _linear(own, "off_head", _norm(own, "ln_f", rows[0], 1e-5))
    return scores - np.log(np.exp(scores).sum())


def _part(state: State, prefix: str) -> State:
    return {
        n.removeprefix(prefix): np.asarray(v, np.float64) for n, v in state.items() if n.startswith(prefix)
    }


def _linear(state: State, name: str, rows: np.ndarray) -> np.ndarray:
    return rows @ np.asarray(state[f"{name}.weight"], np.float64).T + np.asarray(state[f"{name}.bias"])


def _norm(state: State, name: str, rows: np.ndarray, floor: float) -> np.ndarray:
    centred = rows - rows.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + floor)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def _mlp(state: State, rows: np.ndarray, first: str, second: str) -> np.ndarray:
    inner = _linear(state, first, rows)
    return _linear(state, second, inner * 0.5 * (1 + erf(inner / np.sqrt(2))))


def _attend(asking: np.ndarray, keys: np.ndarray, values: np.ndarray, heads: int) -> np.ndarray:
    """What one row [D] gets from rows [L, D], head by head."""
    size, out = len(asking) // heads, []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        scores = keys[:, own] @ asking[own] / np.sqrt(size)
        shares = np.exp(scores - scores.max())
        out.append(shares @ values[:, own] / shares.sum())
    return np.concatenate(out)


def _gather(at: State, rows: np.ndarray) -> np.ndarray:
    """[D] of [L, D]: what the first row of a layer of torch's TransformerEncoder is, norm first."""
    width, every = rows.shape[1], np.concatenate([at["cls_token"][0], rows])
    normed = _norm(at, "norm1", every, 1e-6)
    maps = normed @ at["self_attn.in_proj_weight"].T + at["self_attn.in_proj_bias"]
    seen = _attend(maps[0, :width], maps[:, width : 2 * width], maps[:, 2 * width :], 12)
    first = every[0] + _linear(at, "self_attn.out_proj", seen)
    return first + _mlp(at, _norm(at, "norm2", first, 1e-6), "linear1", "linear2")
