"""``genlock train touches DATASET``: a model that looks closely, where motion says so, whether something touches."""

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
from genlock.foley.closely import Glances, rows_of_answers
from genlock.models.foley.contacts import load_contacts
from genlock.models.foley.materials import load_materials
from genlock.models.foley.touches import ANSWERED, CELL, MOVED, TouchModel, load_touches, save_touches, shown
from genlock.train.foley.contact_figures import Told, figures_of_contacts, fitted_reading
from genlock.train.foley.motion_films import targets_of_film
from genlock.train.foley.touch_card import touch_card
from genlock.train.foley.touch_films import MARGIN, TouchFilm, open_touch_films
from genlock.train.foley.touch_options import TOUCHES_LOOP, TouchTraining
from genlock.train.options import LoopOptions

try:
    import torch
    from torch.nn import functional

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.foley.touch_network import TouchNetwork
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TouchesRecipe", "told_closely", "train_touches"]

Tensor: TypeAlias = torch.Tensor

_LEAST_LOOKS = 16
# Places across and down of a picture in which contacts are noted before it is known which part is looked at.
_ACROSS, _DOWN = 160, 120
# Velocities across, into the frame and out of it, change their sign in a mirror.
_TURNED = np.array([-1, 1, -1, *(1,) * (MOVED - 3)], np.float32)
_PLACE_KNEE, _IMPULSE_KNEE = 0.1, 0.3
# How much each of the frames counts: as much as when what is told of a frame by several looks is put together.
_WEIGHTS = np.array(
    [(ANSWERED // 2 + 1 - abs(k)) ** 2 for k in range(-(ANSWERED // 2), ANSWERED // 2 + 1)], np.float32
)


class TouchesRecipe(ClipRecipe):
    """A model of touches for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    films : to learn from
    held : to choose on, and to fit the reading of events on; may be empty
    training : how
    seed : of the order and of all changes
    """

    name = "touches"
    best: str | None = "missed"
    unit = "looks"

    def __init__(
        self,
        films: Sequence[TouchFilm],
        held: Sequence[TouchFilm],
        training: TouchTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or TouchTraining(), seed
        self.clips, self.held = list(films), list(held)
        self._looks = [(k, n) for k, film in enumerate(self.clips) for n in range(len(film.looks.centres))]
        if len(self._looks) < _LEAST_LOOKS:
            raise InputError(
                f"{len(self._looks)} moments in which something may touch are too few; give films with at least "
                f"{_LEAST_LOOKS}"
            )
        self._targets = [targets_of_film(film.film, _DOWN, _ACROSS) for film in self.clips]
        self._batches = Batches([1.0] * len(self._looks), BatchPlan(clips=self.training.batch, seed=seed))

    def describe(self, part: list[Item]) -> str:
        """Names of its films."""
        return ", ".join(self.clips[self._looks[item.clips[0]][0]].name for item in part)

    def model(self) -> TouchNetwork:
        """At its start."""
        return TouchNetwork(self.training.network, self.training.dropout)

    def load(self, part: list[Item]) -> Batch | None:
        """Changed looks and what is to be told of them."""
        if not part:
            return None
        rows = [self._example(*self._looks[item.clips[0]], np.random.default_rng(item.seed)) for item in part]
        found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        parts = shown(found.pop("parts")).transpose(0, 3, 1, 2)
        tensors = {name: torch.from_numpy(value) for name, value in found.items()}
        tensors["parts"] = torch.from_numpy(np.ascontiguousarray(parts))
        return Batch(tensors, float(len(rows)), float(len(rows)))

    def _example(self, number: int, look: int, random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        film, o, side = self.clips[number], self.training, self.training.network.side
        down, across = random.integers(0, 2 * MARGIN + 1, 2)
        parts = film.looks.parts[look, :, down : down + side, across : across + side]
        moved = film.looks.moved[look].astype(np.float32) * np.float32(np.exp(random.normal(0, o.scale)))
        frames = int(film.looks.centres[look]) + np.arange(ANSWERED) - ANSWERED // 2
        inside = (frames >= 0) & (frames < len(film.film.instants))
        asked = np.clip(frames, 0, len(film.film.instants) - 1)
        found = {name: value[asked] for name, value in vars(self._targets[number]).items()}
        found["asked"] = found["asked"] * inside
        places = side // CELL
        where = _cells(found["where"], film.looks, look, (across - MARGIN, down - MARGIN), places)
        if random.random() < 0.5:
            parts, moved = parts[:, :, ::-1], moved[:, :, ::-1] * _TURNED
            where = np.where(where >= 0, where // places * places + places - 1 - where % places, -1)
        seen = parts * np.float32(np.exp(random.uniform(-o.light, o.light)))
        seen += np.float32(random.uniform(0, o.noise)) * random.standard_normal(parts.shape, np.float32)
        numbers = np.asarray(film.looks.numbers[look], np.float32)
        return {
            **found,
            "where": where,
            "parts": seen,
            "moved": np.ascontiguousarray(moved),
            "numbers": numbers,
        }

    def loss(self, model: TouchNetwork, batch: Batch, step: int) -> Loss:
        """How wrong frames are told."""
        t, o = batch.tensors, self.training
        told, share = model(t["parts"], t["moved"], t["numbers"]), t["presence"]
        wrong = functional.binary_cross_entropy_with_logits(told.presence, share, reduction="none")
        place = functional.smooth_l1_loss(told.place, t["place"], reduction="none", beta=_PLACE_KNEE)
        hard = functional.smooth_l1_loss(told.impulse, t["impulse"], reduction="none", beta=_IMPULSE_KNEE)
        where = functional.cross_entropy(
            told.places.flatten(0, 1), t["where"].clamp(min=0).flatten(), reduction="none"
        ).view_as(share)
        weights = torch.from_numpy(_WEIGHTS) * t["asked"]
        parts = {
            "presence": _mean(wrong, weights),
            "place": _mean(place, weights * share),
            "impulse": _mean(hard, weights * share),
            "where": _mean(where, weights * share * (t["where"] >= 0)),
        }
        total = (
            parts["presence"]
            + o.place_loss * parts["place"]
            + o.impulse_loss * parts["impulse"]
            + o.where_loss * parts["where"]
        )
        figures = {name: (part.detach() * batch.weight, batch.weight) for name, part in parts.items()}
        return Loss(total * batch.weight, figures)

    def evaluate(self, model: TouchNetwork) -> dict[str, float]:
        """On the held films, with the reading fitted on them: what is missed at 50 ms, and other figures."""
        if not self.held:
            return {"missed": 0.0}
        told = told_closely(self._model(model), self.held)
        figures = figures_of_contacts(told, fitted_reading(told))
        return {"missed": 1 - figures["f_50ms"], **figures}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz``, with the reading fitted on the held films, and ``config.json``."""
        network = self.model()
        network.load_state_dict(model.weights)
        found = self._model(network.eval())
        found = replace(found, reading=fitted_reading(told_closely(found, self.held or self.clips)))
        save_touches(found, folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    def _model(self, network: TouchNetwork) -> TouchModel:
        facts = {
            "data": self.training.data,
            "training": asdict(self.training),
            "films": len(self.clips),
            "looks": len(self._looks),
        }
        return TouchModel(self.training.network, network.arrays(), facts=facts)


def _cells(
    where: npt.NDArray[np.int64], looks: Glances, look: int, moved: tuple[int, int], places: int
) -> npt.NDArray[np.int64]:
    """Numbers of the places of a part in which something touches; -1 outside of it."""
    x, y = (where % _ACROSS + 0.5) / _ACROSS, (where // _ACROSS + 0.5) / _DOWN
    middle = places * CELL / 2
    right = np.floor(((x - looks.places[look, 0]) * looks.extent[1] + middle - moved[0]) / CELL).astype(int)
    down = np.floor(((y - looks.places[look, 1]) * looks.extent[0] + middle - moved[1]) / CELL).astype(int)
    inside = (where >= 0) & (right >= 0) & (right < places) & (down >= 0) & (down < places)
    return np.where(inside, down * places + right, -1)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)


def told_closely(model: TouchModel, films: Sequence[TouchFilm]) -> list[Told]:
    """What is told of films after a close look, for figures."""
    found = []
    inner = slice(MARGIN, MARGIN + model.shape.side)
    for film in films:
        answers = model.told(film.looks.parts[:, :, inner, inner], film.looks.moved, film.looks.numbers)
        found.append(Told(rows_of_answers(film.rows, film.looks, answers), film.film))
    return found


def train_touches(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: TouchTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a model that looks closely at what may touch, and report on films that it did not learn from.

    Parameters
    ----------
    sources : datasets of ``genlock prepare --recipe impacts --outputs motion`` whose films are still there, or films of
        ``genlock synth impacts``, prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few films can be used.
    MissingModel
        If a model that says where and when to look is not here.
    OutputError
        If the folder cannot be written.
    """
    options, target, o = loop or TOUCHES_LOOP, Path(folder), training or TouchTraining()
    contacts, reader = load_contacts(o.contacts), load_materials(o.materials)
    films, notes = open_touch_films(sources, target, contacts, reader, o.network.side, progress)
    recipe = TouchesRecipe(films["train"], films["valid"], o, options.seed)
    result = train(recipe, options, target / "run", progress)
    model = load_touches(Path(result.model) / "model.npz")
    tested = [Told(film.rows, film.film) for film in films["test"]]
    report = figures_of_contacts(told_closely(model, films["test"]), model.reading) if tested else {}
    if tested:
        alone = figures_of_contacts(tested, contacts.reading)
        report |= {f"motion_{name}": alone[name] for name in ("f_50ms", "f_20ms")}
    model = replace(model, facts={**model.facts, "loop": asdict(options), "report": report})
    save_touches(model, target / "model.npz")
    counts = {name: len(some) for name, some in films.items()}
    write_text(target / "MODEL_CARD.md", touch_card(model, o, counts, options))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **{f"reported_{name}": value for name, value in report.items()}},
        notes=(*result.notes, *notes),
    )
