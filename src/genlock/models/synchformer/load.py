"""Synchformer's weights out of a public checkpoint, or out of safetensors or npz under the same names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, MissingDependency, MissingModel, OptionError
from genlock.models.state import Shapes, fill_module, load_public, shapes_of
from genlock.models.synchformer.net import Synchformer
from genlock.models.synchformer.sizes import TOKENS, Sizes

try:
    import torch
except ImportError as error:
    raise MissingDependency(
        f"Synchformer needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["load_synchformer", "sizes_of"]

_PLACES = "transformer.pos_emb_cfg.pos_emb"
_STACKS = {
    "picture_layers": r"vfeat_extractor\.blocks\.(\d+)\.",
    "sound_layers": r"afeat_extractor\.ast\.encoder\.layer\.(\d+)\.",
    "joint_layers": r"transformer\.blocks\.(\d+)\.",
}


def load_synchformer(path: str | os.PathLike[str]) -> Synchformer:
    """The network with the weights of a file.

    Parameters
    ----------
    path : a public checkpoint such as ``24-01-04T16-39-21.pt``, or another file of ``torch.save``, whatever it is
        called, of which nothing is run: with the weights under ``model``, beside which optimiser and settings are left
        unread, or as a plain state dict; or ``.safetensors`` or ``.npz`` with the same names

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is damaged, or an entry is missing, unknown, of another shape, or not finite; the message names it. Also
        if it is another checkpoint of the same authors: of the towers alone, or of whether a film can be synchronised.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingModel(
            f"there is no file {str(file)!r}: fetch a public checkpoint of Synchformer (docs/synchformer.md says where "
            "they are), and name the file, as synchformer:FILE"
        )
    # Training on several processors puts a word before every name.
    state = load_public(file, "Synchformer", within=("model", "state_dict"), before="module.")
    _refuse_others(state, file)
    places = state.get(_PLACES)
    if places is not None and places.ndim == 3 and places.shape[1] > TOKENS:
        # The public code takes the first ones of a checkpoint that was trained on longer windows.
        state[_PLACES] = places[:, :TOKENS].contiguous()
    with torch.device("meta"):
        net = Synchformer(_sizes(shapes_of(state), file))
    fill_module(net, state, str(file), "Synchformer")
    return net.eval().requires_grad_(False)


def sizes_of(shapes: Shapes) -> Sizes:
    """Width and depth out of the shapes of a state dict; the public ones where it does not say.

    Raises OptionError if there can be no such Synchformer.

    >>> sizes_of({"transformer.OFF_tok": (1, 1, 48), "transformer.blocks.1.ln1.weight": (48,)})
    Sizes(width=48, picture_layers=0, sound_layers=0, joint_layers=2)
    >>> sizes_of({"epoch": ()}) == Sizes()
    True
    """
    token = shapes.get("transformer.OFF_tok", ())
    if len(token) != 3:
        return Sizes()
    depths = {kind: _depth(shapes, pattern) for kind, pattern in _STACKS.items()}
    return Sizes(width=token[2], **depths)


def _depth(shapes: Shapes, pattern: str) -> int:
    return max((int(found[1]) + 1 for name in shapes if (found := re.match(pattern, name))), default=0)


def _sizes(shapes: Shapes, file: Path) -> Sizes:
    try:
        return sizes_of(shapes)
    except OptionError as error:
        raise FormatError(f"{str(file)!r} does not hold the weights of a Synchformer: {error}") from error


def _refuse_others(state: Mapping[str, Any], file: Path) -> None:
    """Tell the other checkpoints of the same authors by their names."""
    why = ""
    if any(name.startswith(("v_encoder.", "a_encoder.")) for name in state):
        why = "the towers alone, as trained first"
    elif "transformer.sync_head.weight" in state:
        why = "the network that tells whether a film can be synchronised, and not by how much"
    if why:
        raise FormatError(
            f"{str(file)!r} holds {why}; fetch one of the checkpoints that docs/synchformer.md names"
        )
