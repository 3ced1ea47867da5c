"""What a recogniser of sound and lips is watched by in training: word errors and shifts on clips that are held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from genlock.core.errors import MissingDependency
from genlock.metrics.words import WordErrors, word_errors
from genlock.models.avhubert.tokens import BLANK
from genlock.train.avhubert.clips import AVClip, sound_of
from genlock.train.avhubert.examples import drawn_windows, middle_pictures, noisy

try:
    import torch

    from genlock.models.avhubert.recognizer import AVRecognizer
    from genlock.train.avhubert.losses import compared
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["greedy_text", "held_figures"]

Tensor: TypeAlias = torch.Tensor

# What ``wer`` is the mean of: clean sound is easy, and would hide the rest.
_JUDGED = ("lips", "both", "sound_0db", "both_0db")
# Shifts that are asked for here, at most: at the ends fewer frames overlap.
_FARTHEST = 20


def held_figures(
    model: Any, held: Sequence[AVClip], learnt: Sequence[AVClip], side: int, most_shift: int, seed: int
) -> dict[str, float]:
    """Word errors on held clips, read greedily by the CTC head: sound, lips, both, clean and at 0 dB; ``wer`` is their
    mean. ``shift_exact``: share of shifts that are found, of stretches that lie -20...20 frames apart. Empty without
    any clip.

    Parameters
    ----------
    learnt : clips whose voices babble
    side : of the pictures that the network sees
    """
    if not held:
        return {}
    errors = {name: WordErrors(0, 0, 0, 0) for name in ("sound", "lips", "both", "sound_0db", "both_0db")}
    found: list[bool] = []
    for number, clip in enumerate(held):
        random = np.random.default_rng([seed, number, 5])
        noise = noisy(clip.samples, [c for c in learnt if c.name != clip.name], (0, 0), random)
        rows = {"": sound_of(clip.samples, len(clip)), "_0db": sound_of(noise, len(clip))}
        with torch.no_grad():
            picture = torch.from_numpy(middle_pictures(clip, side))[None, None].to(_device(model))
            seen = model.encoder.feature_extractor_video(picture)
            for ending, sound in rows.items():
                heard = model.encoder.feature_extractor_audio(
                    torch.from_numpy(sound).T[None].to(picture.device)
                )
                ways = {"sound": (heard, None), "lips": (None, seen), "both": (heard, seen)}
                for way, streams in ways.items():
                    if way + ending in errors:
                        text = greedy_text(model, model.encoder.encode(*streams, None).last)
                        errors[way + ending] += word_errors(clip.text.split(), text.split())
                if not ending and model.alignment is not None:
                    found.append(_shift_right(model, heard, seen, most_shift, random))
    figures = {f"wer_{name}": one.rate for name, one in errors.items()}
    figures["wer"] = float(np.mean([figures[f"wer_{name}"] for name in _JUDGED]))
    if found:
        figures["shift_exact"] = float(np.mean(found))
    return figures


def greedy_text(model: AVRecognizer, memory: Tensor) -> str:
    """What the CTC head says of one clip [1, T, W], the likeliest token of each frame."""
    best = model.log_probabilities(memory)[0].argmax(-1).tolist()
    kept = [token for k, token in enumerate(best) if token != BLANK and (k == 0 or token != best[k - 1])]
    assert model.tokens is not None
    return model.tokens.text(kept)


def _shift_right(
    model: AVRecognizer, heard: Tensor, seen: Tensor, most_shift: int, random: np.random.Generator
) -> bool:
    shift, windows = drawn_windows(heard.shape[1], min(_FARTHEST, most_shift), random)
    t = {
        "windows": torch.tensor([windows], device=heard.device),
        "seen": torch.ones(seen.shape[:2], dtype=torch.bool, device=heard.device),
        "shift": torch.tensor([shift], device=heard.device),
    }
    assert model.alignment is not None
    shifts, true = compared(model, heard, seen, t, most_shift)
    logits = model.alignment.logits(shifts)
    return int(logits[0].argmax()) - logits.shape[1] // 2 == int(true)


def _device(model: Any) -> torch.device:
    return next(model.parameters()).device  # type: ignore[no-any-return]
