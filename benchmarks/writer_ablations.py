"""What it is worth that each column of codes is told what its own instant shows: three writers at the same budget.

    python benchmarks/writer_ablations.py DATASET ... [--codec foley-codec] -o RUNS [--steps 300] [--seeds 0]

DATASET is one of the recipe ``impacts`` with ``sound@24000`` (``genlock prepare FILMS --recipe impacts --outputs
sound@24000``). All three learn the same codes, told the same true contacts, for as many updates:

- ``instant``: as ``genlock train writer`` has it;
- ``186 ms``: the same, but a column is told only what happens within some 186 ms around it, as long as a column of
  SpecVQGAN is (nine columns of 20 ms): whether, and what, but not when;
- ``prefix``: what is told stands before the codes, and both find each other by a learnt position, as in SpecVQGAN.

Then each writes sound for held-out clips. Printed are F of its onsets at 50, 20 and 10 ms against the contacts, nats a
token told the clip's own contacts and those of another clip, and the gap between the two, with intervals over clips. A
run that was stopped goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from genlock.bench.figures import Figure, Row, bootstrapped, table_text
from genlock.core.grid import Grid
from genlock.core.json_forms import write_json
from genlock.core.track import Track
from genlock.metrics.onsets import find_onsets, match_onsets
from genlock.models.foley.codec import Codec, load_codec
from genlock.models.foley.columns import COLUMN_RATE
from genlock.models.foley.sampling import Sampling, draw
from genlock.models.foley.vocoder import SOUND_RATE, load_vocoder
from genlock.models.foley.writer import conditions_of, load_writer
from genlock.models.foley.writer_network import WriterShape
from genlock.train.foley.told import ToldClip, open_told
from genlock.train.foley.writer import WriterRecipe
from genlock.train.foley.writer_options import WRITER_LOOP, WriterTraining
from genlock.train.loop import train

WINDOWS = (0.05, 0.02, 0.01)
COLUMNS = 100  # that are learnt at a time, and written: 2 s
COARSE = 9  # columns of 20 ms in one of 186 ms
_LONGEST = 512  # positions of a prefix and of codes
Rows = np.ndarray


def coarse(rows: Rows) -> Rows:
    """What columns are told [N, D], blurred to columns of 186 ms: what is there, and not when.

    Each of nine columns is told the likeliest contact among them, its place taken away.
    """
    found = rows.copy()
    for first in range(0, len(rows), COARSE):
        part = rows[first : first + COARSE]
        found[first : first + COARSE] = part[part[:, 0].argmax()]
        found[first : first + COARSE, 5] = part[:, 5].max()
    found[:, 1] = 0
    return found


class CoarseRecipe(WriterRecipe):
    """A writer that is told columns of 186 ms."""

    name = "writer told 186 ms"

    def _example(self, clip: ToldClip, random: np.random.Generator) -> dict[str, Any]:
        example = super()._example(clip, random)
        return {**example, "conditions": coarse(example["conditions"])}

    def told(self, clip: ToldClip, count: int) -> Rows:
        """What is told of a clip, blurred."""
        return coarse(super().told(clip, count))


class PrefixNetwork(nn.Module):
    """What is told, then codes; a transformer finds its way by positions: the interface of ``WriterNetwork``."""

    def __init__(self, shape: WriterShape, dropout: float) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.into = nn.Linear(shape.conditions + 1, width)
        self.spoken = nn.ModuleList(nn.Embedding(shape.codes + 1, width) for _ in range(shape.tokens))
        self.positions = nn.Parameter(0.02 * torch.randn(2, _LONGEST, width))
        layer = nn.TransformerEncoderLayer(
            width, shape.heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, shape.layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.heads = nn.ModuleList(nn.Linear(width, width) for _ in range(shape.tokens))
        self.told_codes = nn.ModuleList(nn.Embedding(shape.codes, width) for _ in range(shape.tokens - 1))
        self.outs = nn.ModuleList(nn.Linear(width, shape.codes) for _ in range(shape.tokens))
        for embedding in (*self.spoken, *self.told_codes):
            nn.init.normal_(embedding.weight, std=0.3)

    def forward(
        self,
        heard: torch.Tensor,
        codes: torch.Tensor,
        conditions: torch.Tensor,
        known: torch.Tensor,
        there: torch.Tensor,
        classes: torch.Tensor | None = None,
    ) -> list[torch.Tensor]:
        """Scores of the codes of every column, a list of [B, N, codes] by token."""
        count = codes.shape[1]
        told = torch.cat([conditions, torch.ones_like(conditions[..., :1])], 2) * known[..., None]
        before = functional.pad(heard[:, :-1], (0, 0, 1, 0), value=self.shape.codes)
        said = sum(spoken(before[..., k]) for k, spoken in enumerate(self.spoken))
        rows = torch.cat([self.into(told) + self.positions[0, :count], said + self.positions[1, :count]], 1)
        # The prefix is seen whole; codes see the prefix and what was before them.
        later = torch.triu(torch.ones(2 * count, 2 * count, dtype=torch.bool), 1)
        later[:, :count] = False
        state = self.layers(rows, mask=later)[:, count:]
        found = []
        for k in range(self.shape.tokens):
            own = self.heads[k](state)
            for i in range(k):
                own = own + self.told_codes[i](codes[..., i])
            found.append(self.outs[k](functional.silu(own)))
        return found


class PrefixRecipe(WriterRecipe):
    """A writer that is told by a prefix; nothing of it is exported."""

    name = "writer told by prefix"

    def model(self) -> Any:
        """At its start."""
        return PrefixNetwork(self.shape, self.training.dropout)

    def export(self, model: Any, folder: Path, figures: Any) -> None:
        """Its weights alone."""
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.weights, folder / "weights.pt")
        write_json(folder / "config.json", {"kind": self.name})


RECIPES = {"instant": WriterRecipe, "186 ms": CoarseRecipe, "prefix": PrefixRecipe}


@torch.no_grad()
def written(recipe: WriterRecipe, model: nn.Module, clips: Sequence[ToldClip], seed: int) -> np.ndarray:
    """Codes for the first two seconds of clips, [clips, N, tokens]: each column drawn of what was drawn before."""
    told = np.stack([conditions_of(recipe.told(c, COLUMNS), recipe.means, recipe.spreads) for c in clips])
    conditions, batch = torch.from_numpy(told.astype(np.float32)), len(clips)
    codes = torch.zeros(batch, COLUMNS, recipe.shape.tokens, dtype=torch.long)
    there, random = torch.ones(batch, COLUMNS, dtype=torch.bool), np.random.default_rng([seed, 61])
    classes = torch.full((batch,), len(recipe.classes))
    for column in range(COLUMNS):
        for token in range(recipe.shape.tokens):
            scores = model(codes, codes, conditions, there, there, classes)[token][:, column]
            drawn = draw(scores.numpy(), random.random(batch), Sampling(guidance=1.0))
            codes[:, column, token] = torch.from_numpy(drawn)
    return codes.numpy()


def counts(codes: np.ndarray, clips: Sequence[ToldClip], codec: Codec) -> np.ndarray:
    """Of each clip and window: twice the hits, and found and true onsets together, [clips, windows, 2]."""
    vocoder, found = load_vocoder(), np.zeros((len(clips), len(WINDOWS), 2))
    for number, clip in enumerate(clips):
        sound = vocoder.sound(codec.decode(codes[number]))
        onsets = find_onsets(Track(sound, Grid.of_samples(SOUND_RATE))).seconds.tolist()
        true = [t for t in clip.heard.times.tolist() if t < COLUMNS / float(COLUMN_RATE) - 0.05]
        for k, window in enumerate(WINDOWS):
            hits = len(match_onsets(true, onsets, window))
            found[number, k] = 2 * hits, len(onsets) + len(true)
    return found


@torch.no_grad()
def losses(recipe: WriterRecipe, model: nn.Module, clips: Sequence[ToldClip]) -> np.ndarray:
    """Nats a token of each clip told its own contacts, and those of the next clip, [clips, 2]."""
    found = np.zeros((len(clips), 2))
    for number, clip in enumerate(clips):
        codes = torch.from_numpy(clip.codes[:COLUMNS])[None]
        there = torch.ones(1, codes.shape[1], dtype=torch.bool)
        for k, other in enumerate((clip, clips[(number + 1) % len(clips)])):
            rows = conditions_of(recipe.told(other, codes.shape[1]), recipe.means, recipe.spreads)
            scores = model(
                codes, codes, torch.from_numpy(rows.astype(np.float32))[None], there, there,
                torch.tensor([len(recipe.classes)]),
            )  # fmt: skip
            each = [functional.cross_entropy(s[0], codes[0, :, i]) for i, s in enumerate(scores)]
            found[number, k] = float(torch.stack(each).mean())
    return found


def row(name: str, seed: int, counted: np.ndarray, lost: np.ndarray) -> Row:
    """The figures of one writer, with intervals over clips."""

    def over(statistic: Any) -> Figure:
        figure = bootstrapped(np.arange(len(lost)), lambda some: statistic(np.asarray(some, int)), 0)
        return Figure(float(statistic(np.arange(len(lost)))), figure.low, figure.high)

    figures = {
        f"F {1000 * window:.0f} ms": over(
            lambda some, k=k: counted[some, k, 0].sum() / max(counted[some, k, 1].sum(), 1)
        )
        for k, window in enumerate(WINDOWS)
    }
    figures["own"] = over(lambda some: lost[some, 0].mean())
    figures["another's"] = over(lambda some: lost[some, 1].mean())
    figures["gap"] = over(lambda some: (lost[some, 1] - lost[some, 0]).mean())
    return Row("writer", f"{name}, seed {seed}", len(lost), figures)


def main() -> None:
    """Train and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--codec", default="foley-codec")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--clips", type=int, default=60, help="held-out clips that are judged")
    parser.add_argument("--only", nargs="+", choices=RECIPES, default=list(RECIPES))
    given = parser.parse_args()
    torch.set_num_threads(1)
    codec = load_codec(given.codec)
    clips = open_told(given.datasets, given.output, codec)
    # Clips in which something sounds: F of silence says nothing.
    judged = [c for c in (*clips.held, *clips.reported) if (c.heard.times < 1.9).any()]
    judged = [c for c in judged if len(c.codes) >= COLUMNS][: given.clips]
    training = WriterTraining(
        codec=given.codec, width=given.width, layers=given.layers, columns=COLUMNS, batch=12
    )
    rows = []
    for seed in given.seeds:
        for name in given.only:
            recipe = RECIPES[name](clips.learnt, (), codec, training, seed)
            loop = replace(
                WRITER_LOOP, steps=given.steps, seed=seed, save_every=50, evaluate_every=given.steps
            )
            result = train(recipe, loop, given.output / f"{name.replace(' ', '-')}-{seed}")
            model = recipe.model()
            model.load_state_dict(weights_of(recipe, Path(result.model)))
            model.eval()
            codes = written(recipe, model, judged, seed)
            rows.append(row(name, seed, counts(codes, judged, codec), losses(recipe, model, judged)))
            print(table_text(rows), flush=True)
    write_json(given.output / "ablations.json", {"rows": [each.to_dict() for each in rows]})


def weights_of(recipe: WriterRecipe, folder: Path) -> dict[str, torch.Tensor]:
    """What a run ended with."""
    if isinstance(recipe, PrefixRecipe):
        return dict(torch.load(folder / "weights.pt", weights_only=True))
    return {name: torch.from_numpy(array) for name, array in load_writer(folder / "model.npz").arrays.items()}


if __name__ == "__main__":
    main()
