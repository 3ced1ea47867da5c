"""How wrong contacts are told, by the one who sees motion alone and the one who sees pictures too."""

from __future__ import annotations

from typing import Protocol

from genlock.core.errors import MissingDependency

try:
    import torch
    from torch.nn import functional

    from genlock.train.foley.contact_network import ContactsTold
    from genlock.train.recipe import Batch, Loss
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["loss_of_contacts"]

# Instants between frames are judged as exactly as this, in frames; impulses in powers of ten.
_PLACE_KNEE, _IMPULSE_KNEE = 0.1, 0.3


class _Weights(Protocol):
    @property
    def place_loss(self) -> float: ...
    @property
    def impulse_loss(self) -> float: ...
    @property
    def where_loss(self) -> float: ...


def loss_of_contacts(told: ContactsTold, batch: Batch, weights: _Weights) -> Loss:
    """The loss of a batch whose tensors have the names of :class:`genlock.train.foley.motion_films.ContactTargets`.

    Parameters
    ----------
    told : of its frames
    batch : what was to be told, and how much each frame counts (``asked``); instants, impulses and places count where
        a contact is, by how near it is
    weights : what they count beside whether something touches
    """
    t = batch.tensors
    share = t["presence"]
    wrong = functional.binary_cross_entropy_with_logits(told.presence, share, reduction="none")
    place = functional.smooth_l1_loss(told.place, t["place"], reduction="none", beta=_PLACE_KNEE)
    hard = functional.smooth_l1_loss(told.impulse, t["impulse"], reduction="none", beta=_IMPULSE_KNEE)
    where = functional.cross_entropy(
        told.places.flatten(0, 1), t["where"].clamp(min=0).flatten(), reduction="none"
    ).view_as(share)
    parts = {
        "presence": _mean(wrong, t["asked"]),
        "place": _mean(place, t["asked"] * share),
        "impulse": _mean(hard, t["asked"] * share),
        "where": _mean(where, t["asked"] * share * (t["where"] >= 0)),
    }
    total = (
        parts["presence"]
        + weights.place_loss * parts["place"]
        + weights.impulse_loss * parts["impulse"]
        + weights.where_loss * parts["where"]
    )
    figures = {name: (part.detach() * batch.weight, batch.weight) for name, part in parts.items()}
    return Loss(total * batch.weight, figures)


def _mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
