"""Which phone is it? A linear probe on the frozen layers of a pretrained model, against log-mel.

Frames of 20 ms; their phones come from the pocketsphinx aligner with the clips' own texts (no person has
listened), frames outside words are left out. One multinomial logistic regression a feature, fitted on clips
of the part ``train``; its L2 penalty, and the layer that is reported, are chosen on ``valid``; the table is
of ``test``. Beside the model: log-mel of the frame, log-mel with 4 and 8 frames of context on both sides (the
model's transformer sees everything), the same network with random weights, and always the commonest phone.

With ``--unheard`` (a folder as ``tools/fetch_voices.py`` writes it) the same probes are also read on voices that are
in no part of ``--sounds``, there only in words of whose place the aligner is sure; phones that the probes have never
seen count as wrong. And pretraining's own measures are printed, of the model and of the random weights.

Then the probes are fitted anew, on these voices but one and on ``train``, and read on the one that was left out.

    python benchmarks/phone_probe.py [--model RUN/model] [--sounds FOLDER ...] [--unheard FOLDER] [--clips 150]
        [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from _data import speech_datasets
from _probe import PENALTIES, Array, Heard, accuracy, fit, interval, share_of
from _unheard import leave_one_out, open_voices, pretraining_measures, sure_frames

from genlock.data.splits import NAMES
from genlock.extractors.sound.mel import Mel, MelOptions
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.train.speech.shapes import start_with_filter_bank
from genlock.train.speech.tensors import normalized
from genlock.train.speech.utterances import RATE, Utterances
from genlock.weights import require

HOP, WINDOW = 320, 400


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table: which frames are right, clip by clip, and the share on ``valid``."""

    test: list[Array]
    unheard: list[Array]
    valid: float


def centers_of(frames: int) -> Array:
    """The instants of the frames' centres, in seconds."""
    return (np.arange(frames) * HOP + (WINDOW - 1) / 2) / RATE


def phones_of(aligner: SphinxAligner, sounds: Utterances, number: int, frames: int) -> Array:
    """The phone of each frame, by the instant of its centre."""
    centers = centers_of(frames)
    out = np.full(frames, "", "<U3")
    for phone, start, end in aligner.phones(sounds.samples(number), tokenize(sounds.texts[number])):
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


def hear_clips(
    features: Features,
    aligner: SphinxAligner,
    sounds: Utterances,
    limit: int | None = None,
    sure: bool = False,
) -> list[Heard]:
    """Features and phones of some clips, chosen by hash; ``sure``: only in words that the aligner is sure of."""
    found = []
    aligned = frames = 0
    for number in sounds.by_content()[:limit]:
        values, codes = features(sounds.samples(number))
        phones = phones_of(aligner, sounds, number, len(codes))
        inside = phones != ""
        aligned += int(inside.sum())
        if sure:
            inside &= sure_frames(
                aligner, sounds.samples(number), sounds.texts[number], centers_of(len(codes))
            )
        frames += int(inside.sum())
        kept = {name: value[inside] for name, value in values.items()}
        if inside.any():
            found.append(Heard(kept, phones[inside], codes[inside], sounds.speakers[number]))
    if sure:
        print(f"the aligner is sure of {frames} of {aligned} frames of phones; the others are left out")
    return found


def probe(parts: dict[str, list[Heard]], labels: dict[str, list[Array]], name: str, classes: int) -> Row:
    """Fit one feature on ``train``, choose the penalty on ``valid``, read the rest."""
    x = np.concatenate([h.features[name] for h in parts["train"]])
    mean, spread = x.mean(0), x.std(0) + 1e-5
    scaled = {s: [(h.features[name] - mean) / spread for h in hs] for s, hs in parts.items()}
    x, y = np.concatenate(scaled["train"]), np.concatenate(labels["train"])
    valid = np.concatenate(scaled["valid"]), np.concatenate(labels["valid"])
    models = [fit(x, y, classes, penalty) for penalty in PENALTIES]
    scores = [float(accuracy(m, *valid).mean()) for m in models]
    best = models[int(np.argmax(scores))]
    right = {
        s: [accuracy(best, a, b) for a, b in zip(scaled[s], labels[s], strict=True)]
        for s in ("test", "unheard")
    }
    return Row(right["test"], right["unheard"], max(scores))


def commonest_row(labels: dict[str, list[Array]]) -> Row:
    """What always the commonest phone would do."""
    commonest = int(np.bincount(np.concatenate(labels["train"])).argmax())
    right = {s: [row == commonest for row in rows] for s, rows in labels.items()}
    return Row(right["test"], right["unheard"], float(np.concatenate(right["valid"]).mean()))


def best_of(rows: dict[str, Row], *beginnings: str) -> str:
    """The name, among those that begin so, of the best on ``valid``."""
    return max((name for name in rows if name.startswith(beginnings)), key=lambda name: rows[name].valid)


def names_compared(rows: dict[str, Row]) -> list[str]:
    """The chosen layer, and what it is compared with."""
    own, random = best_of(rows, "convolutions", "layer"), best_of(rows, "random")
    return [own, "log-mel", "log-mel, 8 frames on both sides", random]


def print_voices(rows: dict[str, Row], names: Sequence[str], heard: Sequence[Heard]) -> None:
    """The chosen layer beside the references, voice by voice."""
    print(f"\n{'voice':<16} {'frames':>6}  " + "   ".join(names))
    for voice in sorted({h.voice for h in heard}):
        at = [k for k, h in enumerate(heard) if h.voice == voice]
        right = [np.concatenate([rows[name].unheard[k] for k in at]) for name in names]
        shares = "   ".join(f"{r.mean():.3f}".ljust(len(n)) for n, r in zip(names, right, strict=True))
        print(f"{voice:<16} {len(right[0]):>6}  {shares}")


def print_left_out(parts: dict[str, list[Heard]], names: Sequence[str]) -> None:
    """Probes that know many voices, on one that they do not know."""
    print("\nfitted on all voices but one, read on that one; by a bootstrap over voices")
    for name in names:
        voices = leave_one_out(parts["train"], parts["unheard"], name)
        sums = np.array([(right.sum(), len(right)) for right in voices.values()], float)
        share, low, high = interval(sums)
        each = " ".join(f"{voice} {right.mean():.2f}" for voice, right in voices.items())
        print(f"{name:<38} {share:.3f} [{low:.3f}, {high:.3f}]   {each}", flush=True)


def print_measures(features: Features, sounds: dict[str, Utterances]) -> dict[str, list[float]]:
    """Pretraining's own measures: shares of the masked frames, and the mean loss."""
    print(f"\n{'contrastive':<38} accuracy [95 %]         chance   loss")
    out = {}
    for where, clips in sounds.items():
        for name, model in (("this model", features.model), ("random weights", features.random)):
            rows = pretraining_measures(model, clips)
            share, low, high = interval(rows[:, [1, 0]])
            frames, _, chance, loss = rows.sum(0)
            out[f"{name}, {where}"] = [share, low, high, chance / frames, loss / frames]
            print(
                f"{f'{name}, {where}':<38} {share:.3f} [{low:.3f}, {high:.3f}]   {chance / frames:.3f}    "
                f"{loss / frames:.3f}",
                flush=True,
            )
    return out


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="", help="a pretrained model; speech-nano by default")
    parser.add_argument("--sounds", nargs="+", help="folders of sounds, raw or prepared; GRID's by default")
    parser.add_argument("--unheard", help="a folder of other voices, with texts")
    parser.add_argument("--clips", type=int, default=150, help="clips of the training part")
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        report(args, scratch)


def report(args: argparse.Namespace, scratch: str) -> None:
    """Measure, print, and write what ``--json`` asks for."""
    datasets = speech_datasets(args.sounds, Path(scratch) / "known")
    every = {split: Utterances.open(datasets, split) for split in NAMES}
    sounds = {split: part.where(lambda k, part=part: bool(part.words[k])) for split, part in every.items()}
    features, aligner = Features(args.model or str(require("speech-nano"))), SphinxAligner(searches=1)
    parts = {"train": hear_clips(features, aligner, sounds["train"], args.clips)}
    parts["valid"] = hear_clips(features, aligner, sounds["valid"])
    parts["test"] = hear_clips(features, aligner, sounds["test"])
    voices = open_voices(args.unheard, scratch) if args.unheard else None
    parts["unheard"] = hear_clips(features, aligner, voices, sure=True) if voices else []
    names = sorted({p for heard in parts["train"] for p in heard.phones.tolist()})
    number = {name: k for k, name in enumerate(names)}
    labels = {s: [np.array([number.get(p, -1) for p in h.phones]) for h in hs] for s, hs in parts.items()}
    frames = {s: sum(map(len, rows)) for s, rows in labels.items()}
    print(f"{len(names)} phones; frames: {frames}; clips: { {s: len(h) for s, h in parts.items()} }")
    if voices:
        print(f"phones that the training part has not, always wrong: {unknown(parts['unheard'], number)}")
    print(f"{'':<38} test  [95 %]           valid" + ("   unheard [95 %]" if voices else ""))
    rows = {}
    for name in parts["train"][0].features:
        rows[name] = probe(parts, labels, name, len(names))
        print_row(name, rows[name])
    rows["always the commonest"] = commonest_row(labels)
    print_row("always the commonest", rows["always the commonest"])
    print(f"chosen on valid: {best_of(rows, 'convolutions', 'layer')}")
    measures = {}
    if voices:
        chosen = names_compared(rows)
        print_voices(rows, chosen, parts["unheard"])
        print_left_out(parts, chosen)
        measures = print_measures(features, {"held out": every["test"], "unheard": voices})
    if args.json:
        found = {
            "phones": names,
            "rows": {n: [*share_of(r.test), r.valid] for n, r in rows.items()},
            "frames": frames,
            "codes": code_counts([h for s in parts if s != "unheard" for h in parts[s]], number),
            "unheard": {n: share_of(r.unheard) for n, r in rows.items() if r.unheard},
            "contrastive": measures,
        }
        Path(args.json).write_text(json.dumps(found), encoding="utf-8")


def unknown(heard: Sequence[Heard], number: dict[str, int]) -> str:
    """The share of frames of phones without a number, and which they are."""
    phones = np.concatenate([h.phones for h in heard])
    missing = ~np.isin(phones, list(number))
    return f"{missing.mean():.1%} of the frames ({' '.join(np.unique(phones[missing]))})"


def code_counts(heard: list[Heard], number: dict[str, int]) -> list[list[list[int]]]:
    """How often each code of each group stands for each phone, [groups][codes][phones]."""
    codes = np.concatenate([h.codes for h in heard])
    phones = np.array([number.get(p, -1) for h in heard for p in h.phones])
    size = int(codes.max()) + 1
    out = np.zeros((codes.shape[1], size, len(number)), np.int64)
    for group in range(codes.shape[1]):
        np.add.at(out[group], (codes[phones >= 0, group], phones[phones >= 0]), 1)
    return out.tolist()  # type: ignore[no-any-return]


def print_row(name: str, row: Row) -> None:
    """One line of the table."""
    share, low, high = share_of(row.test)
    line = f"{name:<38} {share:.3f} [{low:.3f}, {high:.3f}]   {row.valid:.3f}"
    if row.unheard:
        share, low, high = share_of(row.unheard)
        line += f"   {share:.3f} [{low:.3f}, {high:.3f}]"
    print(line, flush=True)


if __name__ == "__main__":
    main()
