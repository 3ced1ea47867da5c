"""``avsr-nano`` comes with the package: small, with a card, and it reads films of speakers whom it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from genlock.speech.audiovisual.checkpoint import OWN_MODEL, load_recognizer
from genlock.weights import require


def test_it_is_small_and_says_how_it_was_made() -> None:
    folder = require(OWN_MODEL)
    assert sum(path.stat().st_size for path in Path(folder).iterdir()) < 12_000_000
    card = (folder / "MODEL_CARD.md").read_text()
    assert "genlock train avsr" in card
    assert "CC BY 4.0" in card


def test_it_is_found_by_its_name() -> None:
    model = load_recognizer(OWN_MODEL)
    assert model.name == OWN_MODEL
    assert model.network.gate is not None
    assert model.network.alignment is not None
    assert model.language == "en"
