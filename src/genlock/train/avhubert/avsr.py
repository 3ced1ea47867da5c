"""``genlock train avsr DATASET``: a recogniser of sound and lips that aligns the two by its own estimate.

Each clip is read twice in an update: from both streams, and from its sound or its lips alone. The encoder's passes over
sound alone and lips alone are compared over all shifts, on two stretches of the clip that lie a drawn shift apart: what
lies at their ends is real neighbouring sound and picture. By how much the model's answer is wrong there, the two
streams are out of step when they are fused: so reading learns with the very errors that alignment leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency, OptionError
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.data.splits import place_of
from genlock.models.avhubert.gate import GATE_NUMBERS
from genlock.models.avhubert.pieces import SentencePieces
from genlock.models.avhubert.shape import DecoderShape
from genlock.models.avhubert.tokens import BLANK, END, PAD, SPACE, Tokens
from genlock.train.avhubert.clips import AVClip, sound_of
from genlock.train.avhubert.examples import changed_pictures, drawn_windows, middle_pictures, noisy
from genlock.train.avhubert.frame_labels import NOT_ASKED, FrameLabels
from genlock.train.avhubert.options import AvsrTraining
from genlock.train.padding import stacked
from genlock.train.speech.symbols import frame_targets

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.models.avhubert.recognizer import AVRecognizer, Parts, load_avsr, save_avsr
    from genlock.train.avhubert.beginning import started
    from genlock.train.avhubert.held_figures import held_figures
    from genlock.train.avhubert.losses import compared, moved, of_frames, reading
    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.recipe import Batch, Exported, Loss
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["AvsrRecipe"]

Tensor: TypeAlias = torch.Tensor
FloatArray: TypeAlias = npt.NDArray[np.float32]

_LEAST_CLIPS = 4
# Channels in which they are compared.
_COMPARED = 64
# Changed versions of each film whose rows are computed where the lips are frozen.
_VERSIONS = 6


@dataclass(frozen=True, eq=False)
class _Row:
    """What does not change of a clip."""

    labels: list[int]
    targets: npt.NDArray[np.int64] | None
    """The right token in each frame, where the times of words are known, [T]."""
    classes: npt.NDArray[np.int64] | None
    """The class of each frame, [T]; None: frames are asked for none."""


class Taught(AVRecognizer):
    """The recogniser and what only its training needs: a map to the classes of frames."""

    def __init__(self, parts: Parts, tokens: Tokens, classes: int) -> None:
        super().__init__(parts, tokens)
        self.classes = nn.Linear(parts.encoder.width, classes) if classes else None


class AvsrRecipe(ClipRecipe):
    """A recogniser for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from; those without a text are left out
    held : to choose on; may be empty
    training : how
    seed : of the order and of everything drawn
    """

    name = "avsr"
    best: str | None = "wer"
    unit = "frames"

    def __init__(
        self,
        clips: Sequence[AVClip],
        held: Sequence[AVClip],
        training: AvsrTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or AvsrTraining(), seed
        with_text = [clip for clip in clips if clip.text]
        few = sorted(with_text, key=lambda clip: place_of(clip.name))[: self.training.labelled or None]
        self.clips = sorted(few, key=lambda clip: clip.name)
        self.held = [clip for clip in held if clip.text]
        if len(self.clips) < _LEAST_CLIPS:
            raise InputError(
                f"{len(self.clips)} clips with a text are too few to learn from; give at least {_LEAST_CLIPS}, with "
                "transcripts"
            )
        if not self.held:
            self.best = None
        self.start = load_avsr(self.training.start) if self.training.start else None
        self._pieces = SentencePieces(self.training.tokens) if self.training.tokens else None
        self.tokens = self._tokens()
        kind = self.training.frame_labels
        self.labels = None if kind == "none" else FrameLabels.of(self.clips, kind)
        self._rows = [self._row(clip) for clip in self.clips]
        self._still = self._still_lips() if self.training.frozen_lips else None
        self._batches = Batches(
            [clip.seconds for clip in self.clips], BatchPlan(clips=self.training.batch, seed=seed)
        )

    # ------------------------------------------------------------ what the loop asks for

    def model(self) -> Taught:
        """At its start: fresh, or with the encoder of ``start`` and whatever else fits."""
        made = Taught(self._parts(), self.tokens, 0 if self.labels is None else len(self.labels))
        if self.start is not None:
            started(made, self.start)
        if self.training.frozen_lips:
            made.encoder.feature_extractor_video.requires_grad_(False)
        if made.gate is not None:  # it is fitted at the end
            made.gate.requires_grad_(False)
        return made

    def load(self, part: list[Item]) -> Batch | None:
        """Noisy sound, mouths, texts, and the stretches on which alignment is learnt."""
        if not part:
            return None
        made = [self._example(item.clips[0], np.random.default_rng(item.seed)) for item in part]
        longest = max(len(one.sound) for one in made)
        labels = [self._rows[item.clips[0]].labels for item in part]
        width = max(map(len, labels)) + 1
        told = np.full((len(made), width), PAD, np.int64)
        for row, label in zip(told, labels, strict=True):
            row[: len(label) + 1] = [*label, END]
        tensors = {
            "sound": _tensor([one.sound for one in made], longest),
            "seen": _tensor([one.seen for one in made], longest),
            "targets": _tensor([one.targets for one in made], longest, NOT_ASKED),
            "classes": _tensor([one.classes for one in made], longest, NOT_ASKED),
            "lengths": torch.tensor([len(one.sound) for one in made]),
            "told": torch.from_numpy(told),
            "told_lengths": torch.tensor([len(label) for label in labels]),
            "shift": torch.tensor([one.shift for one in made]),
            "windows": torch.tensor([one.windows for one in made]),
            "moved": torch.tensor([one.moved for one in made]),
            "other_lips": torch.tensor([one.other_lips for one in made]),
        }
        if self._still is not None:
            tensors["lips"] = _tensor([one.pictures for one in made], longest)
        else:
            tensors["pictures"] = _tensor([one.pictures for one in made], longest)
        return Batch(tensors, float(len(made)), float(sum(len(one.sound) for one in made)))

    def loss(self, model: Taught, batch: Batch, step: int) -> Loss:
        """Two ways of reading, and, where lips are read alone, finding the shift."""
        o, t, encoder = self.training, batch.tensors, model.encoder
        padding = torch.arange(t["sound"].shape[1], device=t["sound"].device) >= t["lengths"][:, None]
        heard: Tensor = encoder.feature_extractor_audio(t["sound"].transpose(1, 2))
        # Both are read from in every update; sound alone takes turns with lips alone and the shift between them.
        hears, in_turns = step % 2 == 0, bool(o.hearing and o.lips)
        if in_turns and hears and not o.both and "lips" not in t:
            # The network over the picture costs most: nobody asks it in this turn.
            seen = heard.new_zeros((*heard.shape[:2], 1))
        else:
            seen = t["lips"] if "lips" in t else encoder.feature_extractor_video(t["pictures"][:, None])
        seen = seen * t["seen"][..., None].to(seen.dtype)
        figures: dict[str, tuple[Tensor | float, float]] = {}
        total = heard.new_zeros(())
        left_over = torch.zeros_like(t["shift"])
        if o.align and model.alignment is not None and not hears:
            shifts, true = compared(model, heard, seen, t, self.training.most_shift)
            logits = model.alignment.logits(shifts)
            reach = logits.shape[1] // 2
            # Where too little of the picture is seen at the true shift, nothing can be found.
            there = logits.gather(1, (true + reach)[:, None])[:, 0].isfinite()
            loss = functional.cross_entropy(logits[there], (true + reach)[there], reduction="sum")
            total = total + 2 * o.align * loss
            wrong = logits.argmax(1) - reach - true
            exact = (wrong == 0).sum()
            figures |= {"align": (loss.detach(), batch.weight), "exact": (exact, batch.weight)}
            # The picture is moved back by the estimate: by so much too far.
            left_over = torch.where(t["moved"].bool() & there, -wrong, left_over)
        laid = moved(seen, left_over, t["lengths"])
        laid = torch.where(t["other_lips"][:, None, None], laid.roll(1, 0), laid)
        often = 2.0 if in_turns else 1.0
        ways = (
            ("hearing", heard, None, often * o.hearing if hears or not in_turns else 0.0),
            ("lips", None, seen, often * o.lips if not (hears and in_turns) else 0.0),
            ("both", heard, laid, o.both),
        )
        for name, one, other, weight in ways:
            if weight:
                memory = encoder.encode(one, other, padding).last
                part = reading(model, memory, padding, t, o)
                total = total + weight * part
                figures[name] = (part.detach(), batch.weight)
                if model.classes is not None:
                    asked = of_frames(model.classes(memory).float(), t["classes"], t["lengths"])
                    total = total + weight * o.frame_weight * asked
                    figures[f"{name}_frames"] = (asked.detach(), batch.weight)
        return Loss(total, figures)

    def evaluate(self, model: Any) -> dict[str, float]:
        """Word errors and found shifts on the held clips: :func:`~genlock.train.avhubert.held_figures.held_figures`."""
        return held_figures(model, self.held, self.clips, self._side, self.training.most_shift, self.seed)

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.safetensors`` and ``config.json``."""
        made = AVRecognizer(self._parts(), self.tokens, self.facts(figures))
        made.load_state_dict({k: v for k, v in model.weights.items() if not k.startswith("classes.")})
        save_avsr(made, folder)

    # ------------------------------------------------------------ what else it knows

    def facts(self, figures: Mapping[str, float]) -> dict[str, Any]:
        """What the folder says of itself."""
        return {
            "recipe": self.name,
            "training": asdict(self.training),
            "seed": self.seed,
            "clips": len(self.clips),
            "speakers": sorted({clip.speaker for clip in self.clips}),
            "clip_seconds": max(clip.seconds for clip in self.clips),
            "mouth": self.training.mouths,
            "language": "en",
            "valid": dict(figures),
        }

    @property
    def _side(self) -> int:
        return self._parts().encoder.crop

    def _parts(self) -> Parts:
        o = self.training
        shape = o.network.encoder if self.start is None else self.start.parts.encoder
        # Without clusters the parts that only pretraining needs are not there.
        share = o.network.dropout
        shape = replace(shape, clusters=0, dropout=share, attention_dropout=share, input_dropout=share)
        decoder = DecoderShape(
            layers=o.decoder_layers or 1,
            width=shape.width,
            ffn=2 * shape.width,
            heads=o.decoder_heads,
            tokens=len(self.tokens),
            memory=shape.width,
            dropout=shape.dropout,
        )
        return Parts(
            shape,
            decoder if o.decoder_layers else None,
            ctc=True,
            alignment=bool(o.align),
            alignment_channels=_COMPARED if o.align else None,
            gate_inputs=len(GATE_NUMBERS),
            gate_hidden=8,
        )

    def _tokens(self) -> Tokens:
        """Those that are named, those that the model before wrote, or the characters of the texts."""
        own = None if self.start is None else self.start.tokens
        tokens = (
            self._pieces.tokens if self._pieces else own or Tokens.of_characters([c.text for c in self.clips])
        )
        if tokens.kind == "pieces" and self._pieces is None:
            raise OptionError(
                "the model to begin with writes pieces: name its SentencePiece model with --tokens"
            )
        return tokens

    def _row(self, clip: AVClip) -> _Row:
        labels = self._pieces.numbers(clip.text) if self._pieces else self.tokens.numbers(clip.text)
        classes = None if self.labels is None else self.labels.targets(clip.words, clip.centers)
        if not clip.words or self.tokens.kind == "pieces":  # how long a piece of a word sounds is not known
            return _Row(labels, None, classes)
        numbers = {symbol: k for k, symbol in enumerate(self.tokens.symbols)}
        vocabulary = {**numbers, "<pad>": BLANK, "|": numbers[SPACE]}
        targets = frame_targets(clip.words, clip.centers, vocabulary, "characters")
        first = int(np.searchsorted(clip.centers, clip.words[0][1])) - 1
        if first >= 0:  # a mark stands before the first word, too
            targets[first] = numbers[SPACE]
        return _Row(labels, targets, classes)

    def _still_lips(self) -> list[FloatArray]:
        """Rows of the frozen network over each film as it is and, where pictures are changed, in some changed versions,
        [versions, T, W] each. Of one version only, lips would be learnt by heart and trusted too much."""
        assert self.start is not None
        found = []
        for number, clip in enumerate(self.clips):
            random = np.random.default_rng([self.seed, number, 3])
            versions = [middle_pictures(clip, self._side)]
            if self.training.jitter:
                versions += [changed_pictures(clip, self._side, random) for _ in range(_VERSIONS)]
            with torch.no_grad():
                pictures = torch.from_numpy(np.stack(versions)[:, None])
                rows = self.start.encoder.feature_extractor_video(pictures).numpy()
            found.append(np.asarray(rows, np.float32))
        return found

    def _example(self, number: int, random: np.random.Generator) -> _Example:
        clip, row, o = self.clips[number], self._rows[number], self.training
        samples = clip.samples
        if random.random() < o.noise:
            others = [c for c in self.clips if c.name != clip.name]
            samples = noisy(samples, others, o.snr, random)
        if self._still is not None:
            pictures = self._still[number][int(random.integers(len(self._still[number])))]
        elif o.jitter:
            pictures = changed_pictures(clip, self._side, random)
        else:
            pictures = middle_pictures(clip, self._side)
        length, seen = len(clip), clip.seen.copy()
        if random.random() < o.unseen:
            size = int(random.integers(1, max(2, length // 2)))
            begin = int(random.integers(0, length - size + 1))
            seen[begin : begin + size] = False
        shift, windows = drawn_windows(length, o.most_shift, random)
        unknown = np.full(length, NOT_ASKED, np.int64)
        return _Example(
            sound_of(samples, length),
            pictures,
            seen,
            unknown if row.targets is None else row.targets,
            unknown if row.classes is None else row.classes,
            shift,
            windows,
            bool(random.random() < o.shifted),
            bool(random.random() < o.other_lips),
        )


@dataclass(frozen=True, eq=False)
class _Example:
    """One clip as it is learnt from."""

    sound: FloatArray
    pictures: FloatArray
    """Of mouths [T, side, side], or rows of the frozen network [T, W]."""
    seen: npt.NDArray[np.bool_]
    targets: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    shift: int
    windows: tuple[int, int, int]
    moved: bool
    other_lips: bool


def _tensor(rows: Sequence[npt.NDArray[Any]], length: int, fill: float = 0) -> Tensor:
    return torch.from_numpy(stacked(rows, length, fill))
