"""Three ways of naming the same weights: fairseq's, those of the safetensors port, and ours.

Ours are the port's, but for the prefixes and for torch's present form of weight norm. A name that no rule knows stays
as it is, so that whoever checks names sees it.
"""

from __future__ import annotations

import re

__all__ = ["fairseq_name", "our_name", "port_name"]

_LAYER = re.compile(r"^(encoder\.layers\.\d+\.)(.*)$")
_NORM = "encoder.pos_conv_embed.conv.parametrizations.weight.original"
# (fairseq or port, ours), beginnings of names within a layer of the encoder.
_IN_LAYER = (
    ("self_attn.", "attention."),
    ("self_attn_layer_norm.", "layer_norm."),
    ("fc1.", "feed_forward.intermediate_dense."),
    ("fc2.", "feed_forward.output_dense."),
)
_POSITIONS = {
    "encoder.pos_conv.0.bias": "encoder.pos_conv_embed.conv.bias",
    "encoder.pos_conv.0.weight_g": f"{_NORM}0",
    "encoder.pos_conv.0.weight_v": f"{_NORM}1",
}
_PORT_POSITIONS = {
    "encoder.pos_conv_embed.conv.weight_g": f"{_NORM}0",
    "encoder.pos_conv_embed.conv.weight_v": f"{_NORM}1",
}


def our_name(name: str) -> str:
    """Our name of an entry of the encoder, from fairseq's or the port's, both without their prefix.

    >>> our_name("encoder.layers.3.fc1.weight")
    'encoder.layers.3.feed_forward.intermediate_dense.weight'
    >>> our_name("encoder.pos_conv.0.weight_g")
    'encoder.pos_conv_embed.conv.parametrizations.weight.original0'
    """
    if name in _POSITIONS:
        return _POSITIONS[name]
    if name in _PORT_POSITIONS:
        return _PORT_POSITIONS[name]
    match = _LAYER.match(name)
    if match is None:
        return name
    for theirs, ours in _IN_LAYER:
        if match[2].startswith(theirs):
            return f"{match[1]}{ours}{match[2].removeprefix(theirs)}"
    return name


def fairseq_name(name: str) -> str:
    """fairseq's name of an entry of our encoder, without prefix; the inverse of :func:`our_name`.

    >>> fairseq_name("encoder.layers.3.attention.k_proj.bias")
    'encoder.layers.3.self_attn.k_proj.bias'
    """
    for theirs, ours in _POSITIONS.items():
        if name == ours:
            return theirs
    match = _LAYER.match(name)
    if match is None:
        return name
    for theirs, ours in _IN_LAYER:
        if match[2].startswith(ours):
            return f"{match[1]}{theirs}{match[2].removeprefix(ours)}"
    return name


def port_name(name: str) -> str:
    """The port's name of an entry of our encoder, without prefix: ours, but for the older form of weight norm.

    >>> port_name("encoder.pos_conv_embed.conv.parametrizations.weight.original1")
    'encoder.pos_conv_embed.conv.weight_v'
    """
    return next((theirs for theirs, ours in _PORT_POSITIONS.items() if name == ours), name)
