"""What a model's word borders are off by is measured on some clips and put right on others."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.json_forms import read_json_file
from genlock.models.speech.encoder import load_speech_encoder
from genlock.train.speech.borders import border_errors, write_bias
from genlock.train.speech.utterances import Utterances

TONE_MODEL = Path(__file__).parents[1] / "data" / "tone_ctc"


def test_late_and_narrow_words_are_put_right(tone_dataset: Path, tmp_path: Path) -> None:
    model = shutil.copytree(TONE_MODEL, tmp_path / "model")

    # Said to begin 42 ms earlier and to end 18 ms later, the words of the model come 12 ms late and 30 ms too narrow.
    def planted(split: str) -> Utterances:
        plain = Utterances.open([tone_dataset], split)
        moved = [tuple((w, start - 0.042, end + 0.018) for w, start, end in words) for words in plain.words]
        return replace(plain, words=tuple(moved))

    bias = write_bias(model, planted("train"))
    stated, encoder = read_json_file(model / "genlock.json"), load_speech_encoder(model, ctc=True)
    assert Fraction(stated["bias_seconds"]) == bias == encoder.bias_seconds
    assert Fraction(stated["widen_seconds"]) == encoder.widen_seconds
    assert float(encoder.bias_seconds) == pytest.approx(0.012, abs=0.004)
    assert float(encoder.widen_seconds) == pytest.approx(0.030, abs=0.004)
    test = planted("test")
    for before, after in zip(
        border_errors(model, test, bias_seconds=Fraction(0)), border_errors(model, test), strict=True
    ):
        assert abs(np.median(before.signed_seconds)) > 0.012
        assert abs(np.median(after.signed_seconds)) < 0.006
    assert write_bias(model, test.where(lambda number: False)) is None
    assert Fraction(read_json_file(model / "genlock.json")["bias_seconds"]) == bias
