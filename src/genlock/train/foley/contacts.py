"""``genlock train contacts DATASET``: a finder that tells from motion alone when something touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.models.foley.contacts import ContactModel, load_contacts, save_contacts
from genlock.train.foley.contact_card import contact_card
from genlock.train.foley.contact_figures import figures_of_contacts, fit_contacts, told_by
from genlock.train.foley.contact_options import CONTACTS_LOOP, ContactTraining
from genlock.train.foley.mirrors import mirrored, mirrored_places
from genlock.train.foley.motion_films import MotionFilm, motion_films, targets_of_film
from genlock.train.options import LoopOptions

try:
    import torch

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.foley.beginnings import begin_with
    from genlock.train.foley.contact_loss import loss_of_contacts
    from genlock.train.foley.contact_network import ContactNetwork
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["ContactsRecipe", "train_contacts"]

_LEAST_FILMS = 4
_EDGE = 4  # frames that a stretch has before and after a contact at least
# Of maps: all that scale; changes of grey.
_SCALED, _CHANGES = 11, slice(8, 11)


class ContactsRecipe(ClipRecipe):
    """A finder of contacts for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    films : to learn from
    held : to choose on, and to fit the reading of events on; may be empty
    training : how
    seed : of the order and of all changes
    """

    name = "contacts"
    best: str | None = "missed"
    unit = "frames"

    def __init__(
        self,
        films: Sequence[MotionFilm],
        held: Sequence[MotionFilm],
        training: ContactTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or ContactTraining(), seed
        self.clips, self.held = list(films), list(held)
        if len(self.clips) < _LEAST_FILMS:
            raise InputError(
                f"{len(self.clips)} films with known contacts are too few; give at least {_LEAST_FILMS}"
            )
        shape = self.training.network
        self._targets = [targets_of_film(film, shape.rows // 2, shape.columns // 2) for film in self.clips]
        self._batches = Batches([1.0] * len(self.clips), BatchPlan(clips=self.training.batch, seed=seed))

    def model(self) -> ContactNetwork:
        """At its start."""
        o = self.training
        return begin_with(ContactNetwork(o.network), o.network, o.start, load_contacts)

    def load(self, part: list[Item]) -> Batch | None:
        """Changed stretches of films and what is to be told of them."""
        if not part:
            return None
        rows = [self._example(item.clips[0], np.random.default_rng(item.seed)) for item in part]
        tensors = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
        return Batch(tensors, float(len(rows)), float(len(rows) * self.training.frames))

    def _example(self, number: int, random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        film, length = self.clips[number], self.training.frames
        last = max(0, len(film.maps) - length)
        first = int(random.integers(last + 1))
        if len(film.times) and random.random() < self.training.around:
            contact = int(np.searchsorted(film.instants, random.choice(film.times)))
            first = int(np.clip(contact - random.integers(_EDGE, length - _EDGE), 0, last))
        maps = film.maps[first : first + length].astype(np.float32)
        found = {
            name: value[first : first + length].copy() for name, value in vars(self._targets[number]).items()
        }
        if random.random() < 0.5:
            maps = mirrored(maps)
            found["where"] = mirrored_places(found["where"], self.training.network.columns // 2)
        maps[..., :_SCALED] *= np.exp(random.normal(0, self.training.scale))
        maps[..., _CHANGES] *= np.exp(random.normal(0, self.training.change_scale))
        more = length - len(maps)
        if more:
            maps = np.pad(maps, ((0, more), *((0, 0),) * 3))
            found = {
                name: np.pad(value, (0, more), constant_values=-1 if name == "where" else 0)
                for name, value in found.items()
            }
        return {"maps": np.ascontiguousarray(maps, np.float32), **found}

    def loss(self, model: ContactNetwork, batch: Batch, step: int) -> Loss:
        """How wrong frames are told."""
        return loss_of_contacts(model(batch.tensors["maps"]), batch, self.training)

    def evaluate(self, model: ContactNetwork) -> dict[str, float]:
        """On the held films, with the reading fitted on them: what is missed at 50 ms, and other figures."""
        if not self.held:
            return {"missed": 0.0}
        fitted = fit_contacts(self._model(model), self.held)
        figures = figures_of_contacts(told_by(fitted, self.held), fitted.reading)
        return {"missed": 1 - figures["f_50ms"], **figures}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz``, with the reading fitted on the held films, and ``config.json``."""
        network = ContactNetwork(self.training.network)
        network.load_state_dict(model.weights)
        fitted = fit_contacts(self._model(network.eval()), self.held or self.clips)
        save_contacts(fitted, folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    def _model(self, network: ContactNetwork) -> ContactModel:
        facts = {"data": self.training.data, "training": asdict(self.training), "films": len(self.clips)}
        return ContactModel(self.training.network, network.arrays(), facts=facts)


def train_contacts(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: ContactTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a finder of contacts, and report on films that it did not learn from.

    Parameters
    ----------
    sources : datasets of ``genlock prepare --recipe impacts --outputs motion``, or films of ``genlock synth impacts``,
        prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few films can be used.
    OutputError
        If the folder cannot be written.
    """
    options, target, o = loop or CONTACTS_LOOP, Path(folder), training or ContactTraining()
    films, notes = motion_films(sources, target, progress)
    recipe = ContactsRecipe(films["train"], films["valid"], o, options.seed)
    result = train(recipe, options, target / "run", progress)
    model = load_contacts(Path(result.model) / "model.npz")
    report = figures_of_contacts(told_by(model, films["test"]), model.reading) if films["test"] else {}
    model = replace(model, facts={**model.facts, "loop": asdict(options), "report": report})
    save_contacts(model, target / "model.npz")
    counts = {name: len(some) for name, some in films.items()}
    write_text(target / "MODEL_CARD.md", contact_card(model, o, counts, options))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **{f"reported_{name}": value for name, value in report.items()}},
        notes=(*result.notes, *notes),
    )
