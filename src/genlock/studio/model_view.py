"""Models as the page shows them: what is here, its licence and size, its card as plain text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genlock import weights
from genlock.studio.folder import NotThere
from genlock.weights import ModelStatus

__all__ = ["card_of", "models_told"]

_CARDS = ("MODEL_CARD.md", "README.md")
_LONGEST_CARD = 200_000


def models_told() -> list[dict[str, Any]]:
    """Every model of the registry; where it lies is not told."""
    told = []
    for status in weights.list_models():
        facts = status.to_dict()
        kept = ("name", "title", "licence", "credit", "default", "size_bytes", "present")
        sources = [str(source) for source in status.model.sources]
        told.append(
            {**{name: facts[name] for name in kept}, "sources": sources, "card": _card(status) is not None}
        )
    return told


def card_of(name: str) -> str:
    """The model card, as it is written: text for a page to show, whatever is in it. Raises NotThere."""
    status = next((each for each in weights.list_models() if each.model.name == name), None)
    path = None if status is None else _card(status)
    if path is None:
        raise NotThere(f"there is no card of a model {name!r} here")
    return path.read_text(encoding="utf-8", errors="replace")[:_LONGEST_CARD]


def _card(status: ModelStatus) -> Path | None:
    if status.path is None:
        return None
    folder = status.path if status.path.is_dir() else status.path.parent
    return next((folder / name for name in _CARDS if (folder / name).is_file()), None)
