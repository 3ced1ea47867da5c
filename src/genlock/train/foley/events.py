"""``genlock train events DATASET``: a watcher that sees what sounds, supervised by films whose contacts are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.models.foley.watcher import EVENT_CHANNELS, Watcher, load_watcher, save_watcher
from genlock.models.foley.watcher_network import gap_features, look, motion_of, phase_features, slots_of
from genlock.train.foley.event_card import event_card
from genlock.train.foley.event_figures import controls, figures_of, fit_reading, found_in, posteriors_of
from genlock.train.foley.event_options import EVENTS_LOOP, EventTraining
from genlock.train.foley.event_targets import columns_of, targets_of
from genlock.train.foley.film_changes import glimpse_of, stretch_of
from genlock.train.foley.films import Film, materials_of, open_films
from genlock.train.options import LoopOptions

try:
    import torch
    from torch.nn import functional

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.foley.watcher_network import WatcherNetwork
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["EventsRecipe", "train_events"]

Tensor: TypeAlias = torch.Tensor

_LEAST_FILMS = 4
_OF_PICTURES = ("seen", "motion", "gaps", "spots", "named", "spotted")
# How far from a contact its map still tells of it, as a share of the picture.
_SPOT = 0.05
# Films on which the choice among checkpoints is made: all would take long.
_GLANCED_AT = 40


class EventsRecipe(ClipRecipe):
    """A watcher for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    films : to learn from
    held : to choose on, and to fit the reading of events on; may be empty
    training : how
    seed : of the order and of all changes
    """

    name = "events"
    best: str | None = "missed"
    unit = "frames"

    def __init__(
        self,
        films: Sequence[Film],
        held: Sequence[Film],
        training: EventTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or EventTraining(), seed
        self.clips, self.held = list(films), list(held)
        if len(self.clips) < _LEAST_FILMS:
            raise InputError(
                f"{len(self.clips)} films with known contacts are too few; give at least {_LEAST_FILMS}"
            )
        self.materials = materials_of(self.clips)
        self.means: dict[str, float] = {}
        self.spreads: dict[str, float] = {}
        for name in ("impulse", "size"):
            every = np.concatenate([film.facts[name] for film in self.clips])
            self.means[name] = float(every.mean()) if len(every) else 0.0
            self.spreads[name] = max(float(every.std()), 0.05) if len(every) else 1.0
        self._contacts = [(film, k) for film in self.clips for k in range(len(film.times))]
        self._batches = Batches([1.0] * len(self.clips), BatchPlan(clips=self.training.batch, seed=seed))

    # ------------------------------------------------------------ what the loop asks for

    def model(self) -> WatcherNetwork:
        """At its start."""
        outputs = len(EVENT_CHANNELS) + len(self.materials)
        network = WatcherNetwork(self.training.network, outputs, len(self.materials), self.training.dropout)
        with torch.no_grad():  # contacts are rare
            network.out.bias[0] = network.out.bias[5] = -3.0
            network.out.bias[4] = 0.0
        return network

    def load(self, part: list[Item]) -> Batch | None:
        """Changed stretches of films and what is to be said of them."""
        if not part:
            return None
        rows = [self._example(self.clips[item.clips[0]], np.random.default_rng(item.seed)) for item in part]
        longest = max(len(row["presence"]) for row in rows)
        tensors = {}
        for name in rows[0]:
            values = [row[name] for row in rows]
            if name not in _OF_PICTURES:
                fill = -1 if values[0].dtype == np.int64 else 0
                values = [_longer(value, longest, fill) for value in values]
            tensors[name] = torch.from_numpy(np.stack(values))
        tensors |= self._glimpses(np.random.default_rng([part[0].seed, 1]))
        return Batch(tensors, float(len(rows)), float(len(rows) * self.training.frames))

    def _glimpses(self, random: np.random.Generator) -> dict[str, Tensor]:
        """Pictures of contacts, where each is and of what: what is out of the picture has a weight of 0."""
        o, rows = self.training, []
        for _ in range(o.glimpses if self._contacts else 0):
            film, contact = self._contacts[int(random.integers(len(self._contacts)))]
            after = int(np.searchsorted(film.starts, film.times[contact], "right"))
            frame = int(np.clip(after - int(random.integers(2)), 1, len(film.pictures) - 1))
            shown = glimpse_of(film, frame, o.changes, random)
            x, y = (float(told[contact]) for told in (shown.x(film.facts["x"]), shown.y(film.facts["y"])))
            inside = 0 < x < 1 and 0 < y < 1
            name = self.materials.index(film.materials[contact]) if inside else -1
            rows.append((look(shown.pictures[1:], shown.pictures[0])[0], (x, y), float(inside), name))
        if not rows:
            return {}
        seen, spots, there, names = (np.array(column) for column in zip(*rows, strict=True))
        return {
            "glimpses": torch.from_numpy(seen.transpose(0, 3, 1, 2).copy()),
            "glimpse_spots": torch.from_numpy(spots.astype(np.float32)),
            "glimpse_there": torch.from_numpy(there.astype(np.float32)),
            "glimpse_named": torch.from_numpy(names.astype(np.int64)),
        }

    def _example(self, film: Film, random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        o = self.training
        stretch = stretch_of(film, o.frames, o.changes, random)
        columns = columns_of(float(stretch.starts[0]), stretch.end)
        targets = targets_of(film, stretch, self.materials, self.means, self.spreads)
        slots = slots_of(stretch.starts, columns)
        return {
            "seen": look(stretch.pictures).transpose(0, 3, 1, 2),
            "motion": motion_of(stretch.pictures),
            "gaps": gap_features(stretch.starts),
            "slots": slots,
            "phases": phase_features(stretch.starts, columns, slots),
            "columns": np.ones(len(columns), bool),
            **vars(targets),
        }

    def loss(self, model: WatcherNetwork, batch: Batch, step: int) -> Loss:
        """How wrong the columns are told."""
        t, o = batch.tensors, self.training.losses
        names = ("seen", "motion", "gaps", "slots", "phases", "columns")
        answer = model(*(t[name] for name in names), t.get("glimpses"))
        spots, spotted, named = (t[name].flatten(0, 1) for name in ("spots", "spotted", "named"))
        if "glimpses" in t:
            spots = torch.cat([spots, t["glimpse_spots"]])
            spotted = torch.cat([spotted, t["glimpse_there"]])
            named = torch.cat([named, t["glimpse_named"]])
        told = answer.columns
        there, near = t["columns"].to(told.dtype), t["near"]
        facts, first = t["facts"], len(EVENT_CHANNELS)
        known = (t["material"] >= 0).to(told.dtype)
        apart = (answer.cells - spots[:, None]).square().sum(dim=2)
        spread = (-apart / (2 * _SPOT**2)).softmax(dim=1)
        spot = -(spread * answer.where.log_softmax(dim=1)).sum(dim=1)
        parts = {
            "presence": _mean(_binary(told[..., 0], t["presence"]), there),
            "sustained": _mean(_binary(told[..., 5], t["sustained"]), there),
            "roughly": _mean(_binary(answer.roughly, t["roughly"]).mean(dim=2), there),
            "place": _mean(functional.smooth_l1_loss(told[..., 1], facts[..., 0], reduction="none"), near),
            "material": _mean(_names(told[..., first:], t["material"]), known),
            "where": _mean(spot, spotted),
            "named": _mean(_names(answer.named, named), (named >= 0).to(spotted.dtype)),
        }
        for column, name in ((2, "impulse"), (3, "size"), (4, "x")):
            apart = functional.smooth_l1_loss(told[..., column], facts[..., column - 1], reduction="none")
            parts[name] = _mean(apart, near)
        total = sum((getattr(o, name) * part for name, part in parts.items()), torch.zeros(()))
        figures = {name: (part.detach() * batch.weight, batch.weight) for name, part in parts.items()}
        return Loss(total * batch.weight, figures)

    def evaluate(self, model: WatcherNetwork) -> dict[str, float]:
        """On the held films, with the reading fitted on them: what is missed at 50 ms, and other figures."""
        held = self.held[:_GLANCED_AT]
        if not held:
            return {"missed": 0.0}
        posteriors = posteriors_of(self._watcher(model), held)
        found = found_in(posteriors, held, fit_reading(posteriors, held))
        figures = figures_of(found, self.materials)
        return {"missed": 1 - figures["f_50ms"], **figures}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz``, with the reading fitted on the held films, and ``config.json``."""
        network = self.model()
        network.load_state_dict(model.weights)
        watcher = self._watcher(network.eval())
        judged = self.held or self.clips
        watcher = replace(watcher, reading=fit_reading(posteriors_of(watcher, judged), judged))
        save_watcher(watcher, folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    def _watcher(self, network: WatcherNetwork) -> Watcher:
        facts = {"training": asdict(self.training), "films": len(self.clips)}
        return Watcher(
            self.training.network, network.arrays(), self.materials, self.means, self.spreads, facts=facts
        )


def _binary(told: Tensor, true: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(told, true, reduction="none")


def _names(told: Tensor, true: Tensor) -> Tensor:
    found = functional.cross_entropy(told.flatten(0, -2), true.clamp(min=0).flatten(), reduction="none")
    return found.view_as(true)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)


def _longer(values: npt.NDArray[Any], length: int, fill: int) -> npt.NDArray[Any]:
    widths = ((0, length - len(values)), *((0, 0),) * (values.ndim - 1))
    return np.pad(values, widths, constant_values=fill)


# ---------------------------------------------------------------- a whole training


def train_events(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: EventTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a watcher, and report on films that it did not learn from.

    Parameters
    ----------
    sources : prepared datasets with frames and contacts, or films of ``genlock synth impacts``, prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few films can be used.
    OutputError
        If the folder cannot be written.
    """
    options, target, o = loop or EVENTS_LOOP, Path(folder), training or EventTraining()
    films = open_films(sources, target, progress)
    recipe = EventsRecipe(films.learnt, films.held, o, options.seed)
    result = train(recipe, options, target / "run", progress)
    watcher = load_watcher(Path(result.model) / "model.npz")
    report = report_on(watcher, films.reported)
    watcher = replace(watcher, facts={**watcher.facts, "loop": asdict(options), "report": report})
    save_watcher(watcher, target / "model.npz")
    write_text(target / "MODEL_CARD.md", event_card(watcher, o, films, options))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **{f"reported_{name}": value for name, value in report.items()}},
        notes=(*result.notes, *films.notes),
    )


def report_on(watcher: Watcher, films: Sequence[Film]) -> dict[str, float]:
    """Figures on the films to report on, and of what does not know them."""
    if not films:
        return {}
    found = found_in(posteriors_of(watcher, films), films, watcher.reading)
    return {**figures_of(found, watcher.materials), **controls(found, films)}
