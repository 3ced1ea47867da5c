"""What once went wrong in training."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("accelerate")

import torch
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2GumbelVectorQuantizer

from genlock.core.errors import OptionError, TrainingError
from genlock.train.loop import train
from genlock.train.options import LoopOptions
from genlock.train.recipe import Batch, Loss
from genlock.train.run_folder import _differences, defaults_of
from genlock.train.speech.contrastive import code_perplexity
from genlock.train.talker.augment import Changes
from genlock.train.talker.options import TalkerTraining

spec = importlib.util.spec_from_file_location(
    "tiny_recipe_again", Path(__file__).resolve().parents[1] / "train" / "tiny.py"
)
assert spec is not None
assert spec.loader is not None
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)


def test_others_may_read_a_run(tmp_path: Path) -> None:
    """safetensors writes files that only their owner may read, whatever the umask says."""
    before = os.umask(0o022)
    try:
        train(tiny.Tiny(), LoopOptions(steps=2, save_every=1, evaluate_every=1), tmp_path / "run")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert [path.name for path in files if not path.stat().st_mode & stat.S_IROTH] == []


def test_a_run_goes_on_after_an_option_was_added(tmp_path: Path) -> None:
    """A new option, left at its default, made every run that was begun before it "another run"."""
    options = LoopOptions(steps=2, save_every=1, evaluate_every=1)
    train(tiny.Tiny(), options, tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    before = json.loads(record.read_text())
    del before["loop"]["beta2"]
    record.write_text(json.dumps(before))
    train(tiny.Tiny(), options, tmp_path / "run")
    record.write_text(json.dumps(before))
    with pytest.raises(OptionError, match=r"beta2 0\.98, not 0\.9"):
        train(tiny.Tiny(), replace(options, beta2=0.9), tmp_path / "run")


def test_a_run_goes_on_after_an_option_within_an_option_was_added() -> None:
    """Options of a network or of losses were compared as a whole: one that came later ended every run before it."""
    training = TalkerTraining(components=7, changes=Changes(warp_share=0.5))
    record = {"recipe": "talker", "settings": asdict(training), "loop": {}}
    now = json.loads(json.dumps(record))
    before = json.loads(json.dumps(record))
    del before["settings"]["losses"]["closed"], before["settings"]["changes"]["noise_db"]
    known = defaults_of(training, LoopOptions())
    assert _differences(before, now, known) == []
    del before["settings"]["changes"]["warp_share"]
    assert _differences(before, now, known) == ["warp_share 0.8, not 0.5"]
    # An option whose default is a list, and a value that is too long to be told.
    del before["settings"]["hears"]
    before["settings"]["clips"] = now["settings"]["clips"] = []
    now["settings"] |= {"clips": ["a"] * 1000}
    warp, clips = _differences(before, now, known)
    assert clips.startswith("clips [], not ['a', 'a'")
    assert len(clips) < 120
    assert warp.startswith("warp_share")


def test_a_code_that_no_frame_comes_near_leaves_the_gradient_finite() -> None:
    """transformers' perplexity has no finite gradient there: pretraining with all defaults ended at step 29."""
    logits = torch.randn(2, 50, 8, generator=torch.Generator().manual_seed(0)) * 3
    logits[..., 1] = -400.0
    logits.requires_grad_(True)
    mask = torch.rand(2, 50, generator=torch.Generator().manual_seed(1)) < 0.5
    probabilities = logits.view(100, 2, 4).softmax(-1)
    theirs = Wav2Vec2GumbelVectorQuantizer._compute_perplexity(probabilities, mask)
    ours = code_perplexity(logits, mask, 2).sum()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
    ours.backward()
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    # Where theirs is finite, ours is the same.
    plain = logits.detach()[..., 2:].repeat(1, 1, 2)[..., :8].requires_grad_(True)
    grads = [
        torch.autograd.grad(value, plain)[0]
        for value in (
            code_perplexity(plain, mask, 2).sum(),
            Wav2Vec2GumbelVectorQuantizer._compute_perplexity(plain.view(100, 2, 4).softmax(-1), mask),
        )
    ]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-6)
    assert code_perplexity(plain, torch.zeros_like(mask), 2).tolist() == [4.0, 4.0]


def test_the_batch_is_not_blamed_for_a_derivative(tmp_path: Path) -> None:
    """A gradient that is not finite named the batch, whatever it came from."""

    class Steep(tiny.Tiny):
        def loss(self, model: Any, batch: Batch, step: int) -> Loss:
            found = super().loss(model, batch, step)
            zero = next(model.parameters()).sum() * 0.0
            return Loss(found.total + zero.sqrt() * 0.0 if step == 4 else found.total, found.figures)

    with pytest.raises(
        TrainingError,
        match=r"gradient of step 5 is not finite, though its loss is: sqrt gives no finite derivative.*not of the batch"
        r" \(rows 4/0\).*step-00000003",
    ):
        train(Steep(), tiny.options(6), tmp_path / "run")
    with pytest.raises(
        TrainingError, match=r"loss of step 3 .*rows 2/0; its y holds numbers that are not finite"
    ):
        train(tiny.Tiny(bad_step=2), tiny.options(6), tmp_path / "other")


def _connection_lost() -> None:
    raise ConnectionResetError(104, "Connection reset by peer")


class _Gone:
    """Of a process that was killed before the main one could fetch what it made."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _connection_lost, ()


def test_a_loading_process_that_is_gone_before_its_batch_is_fetched_is_told(tmp_path: Path) -> None:
    """torch tells of it by whichever comes first: its signal, or the connection that is reset."""

    class Lost(tiny.Tiny):  # type: ignore[name-defined, misc]
        def load(self, part: Any) -> Any:
            return _Gone()

    with pytest.raises(TrainingError, match=r"a loading process ended .*fewer workers than 1"):
        train(Lost(), LoopOptions(steps=4, workers=1, save_every=2, evaluate_every=2), tmp_path / "run")
