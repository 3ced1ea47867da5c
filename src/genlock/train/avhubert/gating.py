"""The gate of a recogniser, fitted on clips that it did not learn from: does the picture help, or is it left aside?

Clips are read in many conditions: clean and in noise, in step and out of step, and with another clip's lips. Where both
streams read better than the sound alone the gate learns to say yes, where they read worse no, each as much as words are
lost. Then it is made so strict that in no group of conditions both streams lose words against the sound alone. A clip
whose shift the model doubts is read from its sound whatever the gate says, so nothing is learnt of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.core.progress import Progress, silent
from genlock.metrics.words import word_errors
from genlock.models.avhubert.gate import gate_numbers
from genlock.speech.audiovisual.checkpoint import AVHuBERTSpeech
from genlock.speech.audiovisual.search import SearchOptions, search
from genlock.speech.audiovisual.streams import LEAST_PROBABILITY
from genlock.synth.noises import KINDS
from genlock.train.avhubert.clips import AVClip, sound_of
from genlock.train.avhubert.examples import middle_pictures, noisy

try:
    import torch
    from torch.nn import functional

    from genlock.models.avhubert.alignment import diagonal_scores
    from genlock.models.avhubert.recognizer import AVRecognizer, Gate
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["Trial", "fit_gate", "fitted", "trials_of"]

Tensor: TypeAlias = torch.Tensor

#: Ratios of speech to noise at which clips are read; None: no noise.
_RATIOS: tuple[float | None, ...] = (None, 10.0, 5.0, 0.0, -5.0)
_REACH = 25
_SETTLING = 400
_BEAM = 4


@dataclass(frozen=True, eq=False)
class Trial:
    """One clip in one condition."""

    group: str
    """What it must do no harm in, such as ``known 0 dB``."""
    numbers: npt.NDArray[np.float32]
    """What the gate is told."""
    alone: int
    """Words wrong from the sound alone."""
    both: int
    """Words wrong from both."""
    doubted: bool = False
    """Whether the model did not trust the shift that it found."""


def trials_of(
    model: AVRecognizer, clips: Sequence[AVClip], seed: int, progress: Progress = silent
) -> list[Trial]:
    """Read every clip at every ratio: in step, out of step, and one in five with the lips of another clip."""
    found: list[Trial] = []
    known = Counter(clip.speaker for clip in clips)
    usual = known.most_common(1)[0][0] if known else ""
    for number, clip in enumerate(clips):
        progress("fit the gate", number, len(clips))
        random = np.random.default_rng([seed, number, 11])
        others = [other for other in clips if other.name != clip.name]
        own = _rows_of_lips(model, clip)
        for place, ratio in enumerate(_RATIOS):
            # Each kind of noise is a group of its own: which harms is not the same for sound and lips.
            kind = KINDS[(number + place) % len(KINDS)]
            samples = clip.samples
            if ratio is not None:
                samples = noisy(samples, others, (ratio, ratio), random, (kind,))
            wrong_lips = bool(others) and random.random() < 0.2
            lips = own
            if wrong_lips:
                lips = _rows_of_lips(model, others[int(random.integers(len(others)))])
            shift = int(random.integers(-_REACH, _REACH + 1)) if place % 2 else 0
            who = "known" if clip.speaker == usual else "others"
            group = f"{who}, {'clean' if ratio is None else f'{kind} {ratio:g} dB'}"
            found.append(_read(model, clip, samples, lips, shift, group))
    return found


def _rows_of_lips(model: AVRecognizer, clip: AVClip) -> Tensor:
    picture = torch.from_numpy(middle_pictures(clip, model.parts.encoder.crop))[None, None]
    with torch.no_grad():
        seen = model.encoder.feature_extractor_video(picture)
    rows: Tensor = seen * torch.from_numpy(clip.seen)[None, :, None]
    return rows


def _read(
    model: AVRecognizer, clip: AVClip, samples: npt.NDArray[np.float32], lips: Tensor, shift: int, group: str
) -> Trial:
    with torch.no_grad():
        sound = torch.from_numpy(sound_of(samples, len(clip))).T[None]
        heard: Tensor = model.encoder.feature_extractor_audio(sound)
        count = heard.shape[1]
        given = _placed(lips, shift, count)
        alone = model.encoder.encode(heard, None, None).last
        seen_alone = model.encoder.encode(None, given, None).last
        scores = None
        back, doubts = 0, False
        if model.alignment is not None:
            one = functional.normalize(model.alignment.sound(alone), dim=-1)
            other = functional.normalize(model.alignment.picture(seen_alone), dim=-1)
            shifts = diagonal_scores(one, other, reach_frames=_REACH)
            logits = model.alignment.logits(shifts)
            found = trusted(logits[0])
            back, doubts = found or 0, found is None
            scores = torch.where(shifts.pairs > 0, shifts.scores, torch.nan)[0].numpy()
        laid = _placed(lips, shift - back, count)
    # Words are searched for as they will be: what a decoder mends need not be mended by the lips.
    speech = AVHuBERTSpeech(model, "gate")
    rows = [placed[0].numpy() for placed in (heard, laid)]
    ways = [
        *speech.encode(rows[:1], None),
        *speech.encode(rows[:1], rows[1:]),
        *speech.encode(None, rows[1:]),
    ]
    one_way, both_ways, lips_way = (way.log_probs for way in ways)
    texts = [best[0].text for best in search(speech, ways[:2], SearchOptions(_BEAM))]
    errors = [word_errors(clip.text.split(), text.split()).total for text in texts]
    return Trial(group, gate_numbers(one_way, both_ways, lips_way, scores), errors[0], errors[1], doubts)


def trusted(logits: Tensor) -> int | None:
    """The shift by which a picture is moved back, of the logits of all shifts [K]; None where the model doubts it.

    As recognition does it: the likeliest shift and its neighbours have at least half of the probability.
    """
    best = int(logits.argmax())
    likely = float(logits.softmax(0)[max(0, best - 1) : best + 2].sum())
    return best - len(logits) // 2 if likely >= LEAST_PROBABILITY else None


def _placed(lips: Tensor, frames: int, count: int) -> Tensor:
    """Rows of a picture put off by so many frames, cut to ``count``; its ends are held."""
    places = (torch.arange(count) - frames).clamp(0, lips.shape[1] - 1)
    return lips[:, places]


def fitted(gate: Gate, trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Fit a gate on trials, and make it strict; says what it does on them.

    Returns
    -------
    ``threshold``, and for each group the words wrong: ``alone``, ``both``, ``gated``, and ``share`` of clips in which
    the picture is taken.
    """
    numbers = torch.from_numpy(np.stack([trial.numbers for trial in trials]))
    sure = torch.tensor([not trial.doubted for trial in trials])
    gain = torch.tensor([float(trial.alone - trial.both) for trial in trials])
    mean, spread = numbers.mean(0), numbers.std(0).clamp(min=1e-3)
    levelled = (numbers - mean) / spread
    torch.manual_seed(seed)
    fresh = Gate(gate.inputs, gate.hidden)
    steps = torch.optim.AdamW(fresh.parameters(), 0.02, weight_decay=0.05)
    right, weight = (gain > 0).float(), (gain.abs() + 0.02) * sure
    for _ in range(_SETTLING):
        steps.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(fresh(levelled), right, weight, reduction="sum")
        torch.autograd.backward(loss / weight.sum().clamp(min=0.02))
        steps.step()
    with torch.no_grad():
        # What levels the numbers goes into the first map, the threshold into the last one.
        gate.within.weight.copy_(fresh.within.weight / spread)
        gate.within.bias.copy_(fresh.within.bias - (fresh.within.weight * (mean / spread)).sum(1))
        gate.out.weight.copy_(fresh.out.weight)
        gate.out.bias.copy_(fresh.out.bias)
        logits = np.where(sure.numpy(), gate(numbers).numpy(), -np.inf)
        threshold = strict_threshold(logits, trials)
        gate.out.bias.sub_(threshold)
    taken = logits > threshold
    return {"threshold": threshold, "groups": _groups(trials, taken)}


def strict_threshold(logits: npt.NDArray[np.floating], trials: Sequence[Trial]) -> float:
    """The lowest threshold from 0 on above which no group of trials loses words against the sound alone."""
    names = sorted({trial.group for trial in trials})
    candidates = [0.0, *sorted(float(x) + 1e-4 for x in logits if x > 0)]
    for threshold in candidates:
        lost = dict.fromkeys(names, 0)
        for logit, trial in zip(logits, trials, strict=True):
            lost[trial.group] += trial.both - trial.alone if logit > threshold else 0
        if max(lost.values(), default=0) <= 0:
            return threshold
    return candidates[-1]


def _groups(trials: Sequence[Trial], taken: npt.NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for trial, yes in zip(trials, taken, strict=True):
        row = found.setdefault(trial.group, {"clips": 0, "alone": 0, "both": 0, "gated": 0, "share": 0})
        row["clips"] += 1
        row["alone"] += trial.alone
        row["both"] += trial.both
        row["gated"] += trial.both if yes else trial.alone
        row["share"] += float(yes)
    for row in found.values():
        row["share"] = round(row["share"] / row["clips"], 3)
    return found


def fit_gate(
    model: AVRecognizer, clips: Sequence[AVClip], seed: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Fit the gate of a model on clips that it did not learn from; nothing, and the gate stays shut, without any."""
    assert model.gate is not None
    if not clips:
        with torch.no_grad():
            model.gate.out.bias.fill_(-1e3)
        return {"threshold": None, "groups": {}}
    return fitted(model.gate, trials_of(model, clips, seed, progress), seed)
