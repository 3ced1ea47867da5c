"""``genlock train materials DATASET``: a reader that tells what is struck by what it looks like where it is struck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency, OptionError
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.drawing.opencv import cv2
from genlock.models.foley.materials import (
    PLACES_SHOWN,
    PLACES_SIDE,
    MaterialReader,
    cells_of,
    load_materials,
    save_materials,
    shown,
    told,
)
from genlock.train.foley.drawn_glimpses import open_drawn
from genlock.train.foley.glimpses import MARGIN, Glimpse, open_glimpses
from genlock.train.foley.material_card import material_card
from genlock.train.foley.material_options import MATERIALS_LOOP, MaterialTraining
from genlock.train.options import LoopOptions

try:
    import torch
    from torch.nn import functional

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.foley.beginnings import with_those_before
    from genlock.train.foley.evened import begin_evened
    from genlock.train.foley.material_network import MaterialNetwork
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["MaterialsRecipe", "material_figures", "train_materials"]

Array: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[np.uint8]

_LEAST_GLIMPSES = 16
_PLACED = 0.1  # share of the picture within which a place is right
_LEAST_SIZE, _LEAST_SPREAD = 1e-4, 0.02
_AT_A_TIME = 256
# Far from the seeds of films, so that no film shows what is drawn.
_DRAWN_SEED = 7_000_000
# How far from a contact its place still counts, as a share of the picture, and by how much pictures are enlarged.
_SPOT, _ENLARGED = 0.04, 0.3
_GREY = np.array([0.299, 0.587, 0.114])


class MaterialsRecipe(ClipRecipe):
    """A reader of materials for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    glimpses : to learn from
    held : to choose on; may be empty
    training : how
    seed : of the order and of all changes
    """

    name = "materials"
    best: str | None = "missed"
    unit = "pictures"

    def __init__(
        self,
        glimpses: Sequence[Glimpse],
        held: Sequence[Glimpse],
        training: MaterialTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or MaterialTraining(), seed
        self.clips, self.held = list(glimpses), list(held)
        if len(self.clips) < _LEAST_GLIMPSES:
            raise InputError(
                f"{len(self.clips)} pictures of contacts are too few; give films with {_LEAST_GLIMPSES} at least"
            )
        self._begins = begins = load_materials(self.training.start) if self.training.start else None
        if begins is not None and begins.shape != self.training.network:
            raise OptionError(
                f"--from {self.training.start!r} is built as {begins.shape}, and this training asks for "
                f"{self.training.network}; give the same"
            )
        new = tuple(sorted({glimpse.material for glimpse in self.clips}))
        self.materials = with_those_before(() if begins is None else begins.materials, new)
        sizes = [_size_of(glimpse) for glimpse in self.clips]
        self.size_mean, self.size_spread = float(np.mean(sizes)), max(float(np.std(sizes)), _LEAST_SPREAD)
        if begins is not None:
            self.size_mean, self.size_spread = begins.size_mean, begins.size_spread
        self._batches = Batches([1.0] * len(self.clips), BatchPlan(clips=self.training.batch, seed=seed))

    def record(self) -> dict[str, Any]:
        """Options, and how much there is of every film: a line for each contact would be long."""
        films: dict[str, int] = {}
        for glimpse in self.clips:
            films[glimpse.name] = films.get(glimpse.name, 0) + 1
        return {**asdict(self.training), "films": films}

    def model(self) -> MaterialNetwork:
        """At its start."""
        network = MaterialNetwork(self.training.network, len(self.materials), self.training.dropout)
        if self._begins is not None:
            batch = self.load(self.parts(0)[0])
            assert batch is not None
            t = batch.tensors
            begin_evened(
                network,
                _with_new_materials(self._begins, len(self.materials)),
                lambda: (network(t["cuts"], t["light"]), network.located(t["around"])),
            )
        return network

    def load(self, part: list[Item]) -> Batch | None:
        """Changed parts of pictures and what they show."""
        if not part:
            return None
        side, light, names, sizes = self.training.network.side, [], [], []
        cuts = np.empty((len(part), side, side, 3), np.float32)
        beside = np.empty((len(part), 2, side, side), np.float32)
        around = np.empty((len(part), PLACES_SHOWN, PLACES_SIDE, PLACES_SIDE), np.uint8)
        spots = np.empty((len(part), 2), np.float32)
        for row, item in enumerate(part):
            glimpse = self.clips[item.clips[0]]
            random = np.random.default_rng(item.seed)
            cuts[row], beside[row], own = self._changed(glimpse, random)
            around[row], spots[row] = _moved(glimpse, random)
            light.append(own)
            names.append(self.materials.index(glimpse.material))
            sizes.append((_size_of(glimpse) - self.size_mean) / self.size_spread)
        lights = np.stack(light)
        tensors = {
            "cuts": torch.from_numpy(self._told(cuts, lights, beside).transpose(0, 3, 1, 2).copy()),
            "light": torch.from_numpy(lights),
            "around": torch.from_numpy(shown(around)),
            "spots": torch.from_numpy(spots),
            "names": torch.tensor(names),
            "sizes": torch.tensor(sizes, dtype=torch.float32),
        }
        return Batch(tensors, float(len(part)), float(len(part)))

    def _told(self, cuts: Array, light: Array, beside: Array) -> Array:
        return told(cuts, light, beside if self.training.network.changes else None)

    def _changed(self, glimpse: Glimpse, random: np.random.Generator) -> tuple[Array, Array, Array]:
        """A part of what was cut out, and of that beside, moved, mirrored, enlarged and in another light: 0...1.

        The light of the whole picture comes with it, changed alike.
        """
        o, side = self.training, self.training.network.side
        scale = float(np.exp(random.uniform(-o.larger, o.larger)))
        across, down = np.clip(random.normal(0, o.apart, 2), -MARGIN, MARGIN)
        middle = (len(glimpse.pixels) - 1) / 2
        flip = -1.0 if random.random() < 0.5 else 1.0
        half = (side - 1) / 2
        # Where in what was cut out each pixel is taken from.
        way = np.array(
            [
                [flip / scale, 0, middle + across - flip * half / scale],
                [0, 1 / scale, middle + down - half / scale],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = [
            cv2.warpAffine(one, way, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(
                np.float32
            )
            for one in (glimpse.pixels, *glimpse.beside)
        ]
        tint = np.exp(random.uniform(-o.light, o.light) + random.uniform(-o.tint, o.tint, 3))
        found = seen[0] * (tint / 255).astype(np.float32)
        beside = np.stack(seen[1:]) * np.float32(tint @ _GREY / 255)
        noise = np.float32(random.uniform(0, o.noise))
        found += noise * random.standard_normal(found.shape, np.float32)
        beside += noise * random.standard_normal(beside.shape, np.float32)
        return found, beside, (glimpse.light * np.tile(tint, 2)).astype(np.float32)

    def loss(self, model: MaterialNetwork, batch: Batch, step: int) -> Loss:
        """How wrong materials and sizes are told."""
        t, o = batch.tensors, self.training
        answer = model(t["cuts"], t["light"])
        named = functional.cross_entropy(answer[:, :-1], t["names"], label_smoothing=o.smoothing)
        size = functional.smooth_l1_loss(answer[:, -1], t["sizes"])
        heat = model.located(t["around"])
        side = round(heat.shape[1] ** 0.5)
        apart = (torch.from_numpy(cells_of(side, side)) - t["spots"][:, None]).square().sum(dim=2)
        spread = (-apart / (2 * _SPOT**2)).softmax(dim=1)
        where = -(spread * heat.log_softmax(dim=1)).sum(dim=1).mean()
        right = (answer[:, :-1].argmax(dim=1) == t["names"]).float().mean()
        parts = {"named": named, "size": size, "where": where, "right": right}
        figures = {name: (part.detach() * batch.weight, batch.weight) for name, part in parts.items()}
        return Loss((named + o.size_loss * size + o.place_loss * where) * batch.weight, figures)

    def evaluate(self, model: MaterialNetwork) -> dict[str, float]:
        """On the held pictures: the share of wrong materials, and other figures."""
        if not self.held:
            return {"missed": 0.0}
        figures = material_figures(self._reader(model), self.held)
        return {"missed": 1 - figures["material_right"], **figures}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz`` and ``config.json``."""
        network = self.model()
        network.load_state_dict(model.weights)
        save_materials(self._reader(network.eval()), folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    def _reader(self, network: MaterialNetwork) -> MaterialReader:
        facts = {"training": asdict(self.training), "glimpses": len(self.clips)}
        return MaterialReader(
            self.training.network, network.arrays(), self.materials, self.size_mean, self.size_spread, facts
        )


def _moved(glimpse: Glimpse, random: np.random.Generator) -> tuple[Pixels, tuple[float, float]]:
    """Three pictures, enlarged, mirrored and in another light, and where in them the contact is."""
    scale = float(np.exp(random.uniform(0, _ENLARGED)))
    left, top = random.uniform(0, 1 - 1 / scale, 2)
    flip = random.random() < 0.5
    x, y = (glimpse.x - left) * scale, (glimpse.y - top) * scale
    if not (0 <= x <= 1 and 0 <= y <= 1):  # it would be cut off
        scale, left, top, x, y = 1.0, 0.0, 0.0, glimpse.x, glimpse.y
    move = -scale * np.array([left, top]) * PLACES_SIDE + (scale - 1) / 2
    way = np.array([[scale, 0, move[0]], [0, scale, move[1]]])
    size = (PLACES_SIDE, PLACES_SIDE)
    level, gain = random.uniform(-20, 20), float(np.exp(random.uniform(-0.3, 0.3)))
    noise = random.uniform(0, 5)
    found = np.empty((PLACES_SHOWN, *size), np.uint8)
    for picture, out in zip(glimpse.around, found, strict=True):
        changed = cv2.warpAffine(picture, way, size, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        changed = changed * gain + level + noise * random.standard_normal(size, np.float32)
        out[:] = np.clip(changed, 0, 255)
    return (found[:, :, ::-1], (1 - x, y)) if flip else (found, (x, y))


def _with_new_materials(reader: MaterialReader, count: int) -> dict[str, Array]:
    """The weights of a reader of so many materials: those that it knows, then new ones, of which it says nothing."""
    arrays, known = dict(reader.arrays), len(reader.materials)
    for name in ("out.weight", "out.bias"):
        old = arrays[name]
        new = np.zeros((count - known, *old.shape[1:]), np.float32)
        arrays[name] = np.concatenate([old[:known], new, old[known:]])
    return arrays


def _size_of(glimpse: Glimpse) -> float:
    return float(np.log10(max(glimpse.size, _LEAST_SIZE)))


def material_figures(reader: MaterialReader, glimpses: Sequence[Glimpse]) -> dict[str, float]:
    """Share of right materials, that of the most frequent one, and the correlation of the logarithm of the size."""
    known = [glimpse for glimpse in glimpses if glimpse.material in reader.materials]
    if not known:
        return {"material_right": 0.0}
    shares, sizes = [], []
    for k in range(0, len(known), _AT_A_TIME):
        some = known[k : k + _AT_A_TIME]
        edge = (len(some[0].pixels) - reader.shape.side) // 2
        here = slice(edge, edge + reader.shape.side)
        cuts, beside = (
            np.stack(each)
            for each in zip(*((g.pixels[here, here], g.beside[:, here, here]) for g in some), strict=True)
        )
        share, size = reader.read(cuts, np.stack([g.light for g in some]), beside)
        shares.append(share)
        sizes.append(size)
    true = np.array([reader.materials.index(g.material) for g in known])
    best = np.concatenate(shares).argmax(axis=1)
    figures = {
        "material_right": float((best == true).mean()),
        "most_frequent_right": float(np.bincount(true).max() / len(true)),
    }
    around = np.stack([g.around for g in known])
    found = np.concatenate(
        [reader.locate(around[k : k + _AT_A_TIME]) for k in range(0, len(known), _AT_A_TIME)]
    )
    apart = np.abs(found - np.array([(g.x, g.y) for g in known]))
    figures["place_error"] = float(np.median(apart.max(axis=1)))
    figures["placed"] = float((apart.max(axis=1) < _PLACED).mean())
    both = np.stack([np.concatenate(sizes), [_size_of(g) for g in known]])
    if both.std(axis=1).min() > 0:
        figures["size_correlation"] = float(np.asarray(np.corrcoef(both))[0, 1])
    return figures


# ---------------------------------------------------------------- a whole training


def train_materials(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: MaterialTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a reader of materials, and report on films that it did not learn from.

    Parameters
    ----------
    sources : datasets of the recipe ``impacts`` whose films are still there, or folders of such films
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few contacts can be used.
    OutputError
        If the folder cannot be written.
    """
    options, target, o = loop or MATERIALS_LOOP, Path(folder), training or MaterialTraining()
    glimpses = open_glimpses(sources, target, o.network.side, progress)
    if o.drawn:
        drawn = open_drawn(
            target / "drawn", o.drawn, options.seed + _DRAWN_SEED, o.network.side + 2 * MARGIN, progress
        )
        glimpses = replace(glimpses, learnt=(*glimpses.learnt, *drawn))
    recipe = MaterialsRecipe(glimpses.learnt, glimpses.held, o, options.seed)
    result = train(recipe, options, target / "run", progress)
    reader = load_materials(Path(result.model) / "model.npz")
    report = material_figures(reader, glimpses.reported or glimpses.held)
    reader = replace(reader, facts={**reader.facts, "loop": asdict(options), "report": report})
    save_materials(reader, target / "model.npz")
    write_text(target / "MODEL_CARD.md", material_card(reader, o, glimpses, options))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **{f"reported_{name}": value for name, value in report.items()}},
        notes=(*result.notes, *glimpses.notes),
    )
