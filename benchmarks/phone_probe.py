"""Which phone is it? A linear probe on the frozen layers of a pretrained model, against log-mel.

Frames of 20 ms; their phones come from the pocketsphinx aligner with the clips' own texts (no person has
listened), frames outside words are left out. One multinomial logistic regression a feature, fitted on clips
of the part ``train``; its L2 penalty, and the layer that is reported, are chosen on ``valid``; the table is
of ``test``. Beside the model: log-mel of the frame, log-mel with 4 and 8 frames of context on both sides (the
model's transformer sees everything), the same network with random weights, and always the commonest phone.

    python benchmarks/phone_probe.py --model RUN/model --sounds PREPARED [--clips 150] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers

from genlock.extractors.mel import Mel, MelOptions
from genlock.speech.sphinx_align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.train.items import normalized
from genlock.train.shapes import start_with_filter_bank
from genlock.train.sounds import RATE, Clip, SoundSet

HOP, WINDOW = 320, 400
PENALTIES = (1e-4, 1e-3, 1e-2)

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Heard:
    """One clip: its features by name, each [T, width], and the phone of each frame ("" outside words)."""

    features: dict[str, Array]
    phones: Array
    codes: Array | None


def phones_of(aligner: SphinxAligner, sounds: SoundSet, clip: Clip, frames: int) -> Array:
    """The phone of each frame, by the instant of its centre."""
    centers = (np.arange(frames) * HOP + (WINDOW - 1) / 2) / RATE
    out = np.full(frames, "", "<U3")
    for phone, start, end in aligner.phones(sounds.samples(clip), tokenize(clip.text or "")):
        out[(centers >= start) & (centers < end)] = phone
    return out


def stacked(values: Array, context: int) -> Array:
    """Rows with their neighbours on both sides; edge rows are repeated."""
    padded = np.pad(values, ((context, context), (0, 0)), "edge")
    return np.concatenate([padded[k : k + len(values)] for k in range(2 * context + 1)], 1)


class Features:
    """Everything that is probed."""

    def __init__(self, folder: str) -> None:
        self.model = transformers.Wav2Vec2ForPreTraining.from_pretrained(folder).eval()
        torch.manual_seed(0)
        self.random = transformers.Wav2Vec2ForPreTraining(self.model.config).eval()
        start_with_filter_bank(self.random)
        self.mel = Mel(
            MelOptions(
                sample_rate=RATE, window=WINDOW, n_fft=512, hop=HOP, bands=40, low_hz=60.0, frames="inside"
            )
        )

    def __call__(self, samples: Array) -> tuple[dict[str, Array], Array]:
        sound = torch.from_numpy(normalized(samples))[None]
        found: dict[str, Array] = {}
        with torch.no_grad():
            for name, model in (("", self.model), ("random weights, ", self.random)):
                states = model.wav2vec2(sound, output_hidden_states=True)
                found[f"{name}convolutions"] = states.extract_features[0].numpy()
                for k, state in enumerate(states.hidden_states):
                    found[f"{name}layer {k}"] = state[0].numpy()
            quantizer = self.model.quantizer
            logits = quantizer.weight_proj(self.model.wav2vec2(sound).extract_features)[0]
            codes = logits.reshape(len(logits), quantizer.num_groups, -1).argmax(-1).numpy()
        frames = len(codes)
        mel = np.log(np.asarray(self.mel(samples).values, np.float64)[:frames] + 1e-6).astype(np.float32)
        if len(mel) < frames:
            raise SystemExit(f"{len(mel)} frames of log-mel for {frames} of the model")
        found["log-mel"] = mel
        for context in (4, 8):
            found[f"log-mel, {context} frames on both sides"] = stacked(mel, context)
        return found, codes


def fit(x: Array, y: Array, classes: int, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and constants of a multinomial logistic regression."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    weight = torch.zeros(x.shape[1], classes, requires_grad=True)
    constant = torch.zeros(classes, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, constant], max_iter=60, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = torch.nn.functional.cross_entropy(inputs @ weight + constant, targets)
        value = value + penalty * weight.square().sum()
        value.backward()
        return value

    solver.step(loss)
    return weight.detach(), constant.detach()


def accuracy(model: tuple[torch.Tensor, torch.Tensor], x: Array, y: Array) -> Array:
    """Whether each frame is right."""
    found = (torch.from_numpy(x) @ model[0] + model[1]).argmax(1).numpy()
    return found == y


def interval(right: list[Array]) -> tuple[float, float, float]:
    """Share of right frames, and its 95 % interval by a bootstrap over clips."""
    sums = np.array([(r.sum(), len(r)) for r in right], float)
    random = np.random.default_rng(0)
    draws = sums[random.integers(0, len(sums), (2000, len(sums)))].sum(1)
    low, high = np.percentile(draws[:, 0] / draws[:, 1], [2.5, 97.5])
    return float(sums[:, 0].sum() / sums[:, 1].sum()), float(low), float(high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--sounds", required=True)
    parser.add_argument("--clips", type=int, default=150, help="clips of the training part")
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    sounds = SoundSet.open(args.sounds).where(lambda clip: bool(clip.words))
    features, aligner = Features(args.model), SphinxAligner(searches=1)
    parts: dict[str, list[Heard]] = {}
    for split, limit in (("train", args.clips), ("valid", None), ("test", None)):
        part = sounds.part(split)  # type: ignore[arg-type]
        chosen = sorted(part.clips, key=lambda clip: clip.sha1)[:limit]
        parts[split] = []
        for clip in chosen:
            values, codes = features(part.samples(clip))
            phones = phones_of(aligner, part, clip, len(codes))
            inside = phones != ""
            kept = {name: value[inside] for name, value in values.items()}
            parts[split].append(Heard(kept, phones[inside], codes[inside]))
    names = sorted({p for heard in parts["train"] for p in heard.phones.tolist()})
    number = {name: k for k, name in enumerate(names)}
    labels = {s: [np.array([number.get(p, -1) for p in h.phones]) for h in hs] for s, hs in parts.items()}
    frames = {s: sum(map(len, rows)) for s, rows in labels.items()}
    print(f"{len(names)} phones; frames: {frames}; clips: { {s: len(h) for s, h in parts.items()} }")
    y = np.concatenate(labels["train"])
    commonest = int(np.bincount(y).argmax())
    rows: dict[str, Any] = {}
    print(f"{'test, share of right frames':<38} {'(95 % over clips)':<22} valid")
    rows["always the commonest"] = (
        *interval([row == commonest for row in labels["test"]]),
        float((np.concatenate(labels["valid"]) == commonest).mean()),
    )
    for name in parts["train"][0].features:
        x = np.concatenate([h.features[name] for h in parts["train"]])
        mean, spread = x.mean(0), x.std(0) + 1e-5
        scaled = {s: [(h.features[name] - mean) / spread for h in hs] for s, hs in parts.items()}
        x = np.concatenate(scaled["train"])
        valid = np.concatenate(scaled["valid"]), np.concatenate(labels["valid"])
        models = [fit(x, y, len(names), penalty) for penalty in PENALTIES]
        scores = [float(accuracy(m, *valid).mean()) for m in models]
        best = models[int(np.argmax(scores))]
        right = [accuracy(best, a, b) for a, b in zip(scaled["test"], labels["test"], strict=True)]
        rows[name] = (*interval(right), max(scores))
        print_row(name, rows[name])
    print_row("always the commonest", rows["always the commonest"])
    own = [name for name in rows if name.startswith(("convolutions", "layer"))]
    print(f"chosen on valid: {max(own, key=lambda name: rows[name][3])}")
    if args.json:
        every = [h for hs in parts.values() for h in hs]
        counts = code_counts(every, number)
        Path(args.json).write_text(
            json.dumps({"phones": names, "rows": rows, "frames": frames, "codes": counts}), encoding="utf-8"
        )


def code_counts(heard: list[Heard], number: dict[str, int]) -> list[list[list[int]]]:
    """How often each code of each group stands for each phone, [groups][codes][phones]."""
    codes = np.concatenate([h.codes for h in heard if h.codes is not None])
    phones = np.array([number.get(p, -1) for h in heard for p in h.phones])
    size = int(codes.max()) + 1
    out = np.zeros((codes.shape[1], size, len(number)), np.int64)
    for group in range(codes.shape[1]):
        np.add.at(out[group], (codes[phones >= 0, group], phones[phones >= 0]), 1)
    return out.tolist()  # type: ignore[no-any-return]


def print_row(name: str, row: tuple[float, float, float, float]) -> None:
    """One line of the table."""
    share, low, high, valid = row
    print(f"{name:<38} {share:.3f} [{low:.3f}, {high:.3f}]   {valid:.3f}", flush=True)


if __name__ == "__main__":
    main()
