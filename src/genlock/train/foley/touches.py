"""``genlock train touches DATASET``: a model that looks closely, where motion says so, whether something touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency, OptionError
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.models.foley.contacts import ContactModel, load_contacts
from genlock.models.foley.convolution import FOLD
from genlock.models.foley.glances import ANSWERED, FRAMES, corners_of, frames_of, glances_of, parts_of
from genlock.models.foley.small_pictures import CELL, greys_of, tints_of
from genlock.models.foley.touches import (
    Motion,
    TouchModel,
    larger,
    load_touches,
    motion_of,
    save_touches,
    shown,
)
from genlock.train.foley.contact_figures import Told, figures_of_contacts, fitted_reading
from genlock.train.foley.mirrors import mirrored, mirrored_places
from genlock.train.foley.motion_films import targets_of_film
from genlock.train.foley.touch_card import touch_card
from genlock.train.foley.touch_films import TouchFilm, open_touch_films
from genlock.train.foley.touch_options import TOUCHES_LOOP, TouchTraining
from genlock.train.options import LoopOptions

try:
    import torch

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.foley.beginnings import begin_with
    from genlock.train.foley.contact_loss import loss_of_contacts
    from genlock.train.foley.touch_network import TouchNetwork
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TouchesRecipe", "told_by_touches", "train_touches"]

_LEAST_LOOKS = 16
# Channels of the maps that scale with how fast a film's things move.
_SCALED = 11
# How much each of the frames counts: as much as when what is told of a frame by several looks is put together.
_WEIGHTS = np.array(
    [(ANSWERED // 2 + 1 - abs(k)) ** 2 for k in range(-(ANSWERED // 2), ANSWERED // 2 + 1)], np.float32
)
_NO_TINT, _TURNED, _SHIFTED = np.float32(128), 0.1, 4.0


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
        self._motion_arrays = self._motion_model().arrays
        self._features: dict[tuple[int, bool], Motion] = {}
        shape = self.training.network
        rows, columns = shape.motion.rows, shape.motion.columns
        self._targets = [targets_of_film(film.film, rows, columns) for film in self.clips]
        self._glances = [
            glances_of(self._motion(k, turned=False).rows, shape.side) for k in range(len(self.clips))
        ]
        self._looks = [(k, n) for k, looks in enumerate(self._glances) for n in range(len(looks.centres))]
        if len(self._looks) < _LEAST_LOOKS:
            raise InputError(
                f"{len(self._looks)} moments in which something may touch are too few; give films with at least "
                f"{_LEAST_LOOKS}"
            )
        self._batches = Batches([1.0] * len(self._looks), BatchPlan(clips=self.training.batch, seed=seed))

    def describe(self, part: list[Item]) -> str:
        """Names of its films."""
        return ", ".join(self.clips[self._looks[item.clips[0]][0]].name for item in part)

    def model(self) -> TouchNetwork:
        """At its start."""
        o = self.training
        network = TouchNetwork(o.network, o.dropout, even=not o.start)
        return begin_with(network, o.network, o.start, load_touches)

    def _motion_model(self) -> ContactModel:
        o = self.training
        found = load_contacts(o.contacts)
        if found.shape != o.network.motion:
            raise OptionError(
                f"--contacts {o.contacts!r} is built as {found.shape}, and this training asks for {o.network.motion}; "
                "give the same"
            )
        return found

    def _motion(self, number: int, turned: bool) -> Motion:
        """What motion alone tells of a film, in a mirror or not; known once it was asked for."""
        key = number, turned
        if key not in self._features:
            maps = self.clips[number].film.maps.astype(np.float32)
            shape = self.training.network.motion
            found = motion_of(mirrored(maps) if turned else maps, self._motion_arrays, shape)
            self._features[key] = replace(found, hidden=found.hidden.astype(np.float16))
        return self._features[key]

    def load(self, part: list[Item]) -> Batch | None:
        """Changed looks and what is to be told of them."""
        if not part:
            return None
        rows = [self._example(*self._looks[item.clips[0]], np.random.default_rng(item.seed)) for item in part]
        found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        seen = shown(found.pop("grey"), found.pop("tints")).transpose(0, 3, 1, 2)
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}
        tensors["seen"] = torch.from_numpy(np.ascontiguousarray(seen))
        return Batch(tensors, float(len(rows)), float(len(rows)))

    def _example(self, number: int, look: int, random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        clip, o, side = self.clips[number], self.training, self.training.network.side
        turned = bool(random.random() < 0.5)
        looks = self._glances[number].some([look])
        place = looks.places * [-1, 1] + [1, 0] if turned else looks.places
        corners = corners_of(place + random.normal(0, o.away, (1, 2)), side)
        there = replace(looks, corners=corners)
        count = len(clip.film.maps)
        around = frames_of(looks.centres, count)[0]
        small, maps = clip.pictures(around), clip.film.maps[around].astype(np.float32)
        motion = self._motion(number, turned)
        grey, tints = greys_of(small), tints_of(small)
        if turned:
            grey, tints, maps = grey[..., ::-1], tints[..., ::-1], mirrored(maps)
        maps[..., :_SCALED] *= np.float32(np.exp(random.normal(0, o.scale)))
        here = replace(there, centres=np.array([FRAMES // 2]))
        parts = [
            parts_of(planes, here, side * of)[0]
            for planes, of in ((grey, CELL), (tints, CELL // FOLD), (maps.transpose(0, 3, 1, 2), 1))
        ]
        hidden = larger(motion.hidden[around].astype(np.float32)).transpose(0, 3, 1, 2)
        frames = int(looks.centres[0]) + np.arange(ANSWERED) - ANSWERED // 2
        found = {
            name: value[np.clip(frames, 0, count - 1)] for name, value in vars(self._targets[number]).items()
        }
        found["asked"] = found["asked"] * ((frames >= 0) & (frames < count)) * _WEIGHTS
        columns = o.network.motion.columns
        where = mirrored_places(found["where"], columns) if turned else found["where"]
        found["where"] = _inside(where, corners[0], side, columns)
        return {
            **found,
            **_changed(parts[0][:, 0], parts[1], o, random),
            "maps": parts[2].transpose(0, 2, 3, 1),
            "told": motion.told[around],
            "hidden": parts_of(hidden, here, side)[0].transpose(0, 2, 3, 1),
        }

    def loss(self, model: TouchNetwork, batch: Batch, step: int) -> Loss:
        """How wrong frames are told."""
        t = batch.tensors
        return loss_of_contacts(model(t["seen"], t["maps"], t["told"], t["hidden"]), batch, self.training)

    def evaluate(self, model: TouchNetwork) -> dict[str, float]:
        """On the held films, with the reading fitted on them: what is missed at 50 ms, and other figures."""
        if not self.held:
            return {"missed": 0.0}
        told = told_by_touches(self._model(model), self.held)
        figures = figures_of_contacts(told, fitted_reading(told))
        return {"missed": 1 - figures["f_50ms"], **figures}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz``, with the reading fitted on the held films, and ``config.json``."""
        network = self.model()
        network.load_state_dict(model.weights)
        found = self._model(network.eval())
        found = replace(found, reading=fitted_reading(told_by_touches(found, self.held or self.clips)))
        save_touches(found, folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    def _model(self, network: TouchNetwork) -> TouchModel:
        facts = {
            "data": self.training.data,
            "training": asdict(self.training),
            "films": len(self.clips),
            "looks": len(self._looks),
        }
        own = {f"motion.{name}": np.asarray(a, np.float32) for name, a in self._motion_arrays.items()}
        return TouchModel(self.training.network, {**own, **network.arrays()}, facts=facts)


def _inside(
    where: npt.NDArray[np.int64], corner: npt.NDArray[np.int64], side: int, columns: int
) -> npt.NDArray[np.int64]:
    """Numbers of places of the picture as those of a part; -1 outside of it."""
    down, across = where // columns - corner[1], where % columns - corner[0]
    inside = (where >= 0) & (down >= 0) & (down < side) & (across >= 0) & (across < side)
    return np.where(inside, down * side + across, -1)


def _changed(
    grey: npt.NDArray[np.uint8], tints: npt.NDArray[np.uint8], o: TouchTraining, random: np.random.Generator
) -> dict[str, npt.NDArray[np.float32]]:
    """In other light, with noise, and colours that are weaker, stronger, shifted or, seldom, their opposites."""
    seen = grey.astype(np.float32) * np.float32(np.exp(random.uniform(-o.light, o.light)))
    seen += np.float32(random.uniform(0, o.noise)) * random.standard_normal(grey.shape, np.float32)
    by = np.exp(random.uniform(-o.tint, o.tint)) * np.where(random.random((2, 1, 1)) < _TURNED, -1, 1)
    shifted = _NO_TINT + random.normal(0, _SHIFTED, (2, 1, 1))
    colours = (tints.astype(np.float32) - _NO_TINT) * by.astype(np.float32) + shifted.astype(np.float32)
    return {"grey": seen, "tints": colours}


def told_by_touches(model: TouchModel, films: Sequence[TouchFilm]) -> list[Told]:
    """What is told of films, for figures."""
    return [
        Told(model.rows(film.pictures(slice(None)), film.film.maps.astype(np.float32)), film.film)
        for film in films
    ]


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
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, small pictures of the films in ``pictures``, and the run in
        ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few films can be used.
    OptionError
        If the model of motion is built in another way than the training asks for.
    MissingModel
        If the model of motion is not here.
    OutputError
        If the folder cannot be written.
    """
    options, target, o = loop or TOUCHES_LOOP, Path(folder), training or TouchTraining()
    motion = load_contacts(o.contacts)
    films, notes = open_touch_films(sources, target, o.halved, progress)
    recipe = TouchesRecipe(films["train"], films["valid"], o, options.seed)
    result = train(recipe, options, target / "run", progress)
    model = load_touches(Path(result.model) / "model.npz")
    tested = films["test"]
    report = figures_of_contacts(told_by_touches(model, tested), model.reading) if tested else {}
    if tested:
        told = [Told(motion.rows_of_prepared(one.film.maps.astype(np.float32)), one.film) for one in tested]
        alone = figures_of_contacts(told, motion.reading)
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
