"""``genlock train sync --model tower``: the two networks of lips and sound, and what is known of them.

Each update takes stretches of clips, compares lips and sound over all lags of a second to either side, and over those
of the next clip's sound, and asks that the lag at which the clip lies stand out. Clips that are a little out of step
themselves are put where a linear model of the others sees them, as for the linear model. What differs between speakers
and rooms (vocal tract, shape and range of the lips, noise, bands that are missing) is changed at random each time.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import correlate, find_peak, weighted
from genlock.core.errors import MissingDependency
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import lip_shapes, sound_bands
from genlock.lipsync.estimators.tower import (
    TAPS,
    TOWER_NAME,
    TowerModel,
    TowerOptions,
    load_tower,
    picture_tower,
    save_tower,
    sound_tower,
)
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, main_face
from genlock.train.lipsync.linear import own_offsets, warped
from genlock.train.lipsync.parts import (
    LEAST_CLIPS,
    Parts,
    in_step,
    lip_scatter,
    require_enough,
    talking_face,
    usable,
)
from genlock.train.lipsync.trained import SyncTrained, finish
from genlock.train.lipsync.turned import Turning, turned
from genlock.train.options import TOWER_LOOP, LoopOptions, SyncTraining, TowerTraining

try:
    import torch
    from torch import nn

    from genlock.train.clip_recipe import OneLossRecipe
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TowerRecipe", "Towers", "fit_tower", "lag_curves", "train_tower_on"]

Array = npt.NDArray[np.float64]
Tensor = torch.Tensor
# Lags that a loss chooses among, in cells of sound to either side.
_REACH = 100
_LEAST_FRAMES = 12
_STEP_SECONDS = 0.04
# In how many ways the head of each clip is turned; they are made once.
_TURNS = 4
# Longer clips are learnt from in pieces: a batch is as long as the longest in it.
_LONGEST = Fraction(5)


class Towers(nn.Module):
    """Both towers, as torch trains them; :meth:`to_model` gives what :mod:`genlock.lipsync.estimators.tower` runs."""

    def __init__(self, options: TowerOptions, dropout: float = 0.3) -> None:
        super().__init__()
        o = self.options = options
        self.frame = nn.Linear(o.components, o.frame_width)
        self.context = nn.Linear((2 * o.lip_steps + 1) * o.frame_width, o.lip_width)
        self.lips_out = nn.Linear(o.lip_width, o.channels)
        self.layers = nn.ModuleList(
            nn.Conv1d(o.sound_width if k else 40, o.sound_width, TAPS, padding=2 * d, dilation=d)
            for k, d in enumerate(o.dilations)
        )
        self.sound_out = nn.Linear(o.sound_width, o.channels)
        self.scores = nn.Parameter(torch.zeros(o.channels))
        self.sharpness = nn.Parameter(torch.tensor(2.3))
        self.drop = nn.Dropout(dropout)

    @property
    def weights(self) -> Tensor:
        """What each channel counts, [E]; adds up to 1."""
        return torch.softmax(self.scores, 0)

    def sound(self, bands: Tensor) -> Tensor:
        """Bands [B, N, 40] to channels [B, N, E]."""
        rows = bands.transpose(1, 2)
        for k, layer in enumerate(self.layers):
            new = self.drop(torch.relu(layer(rows)))
            rows = rows + new if k else new
        channels: Tensor = self.sound_out(rows.transpose(1, 2))
        return channels

    def picture(self, lips: Tensor, left: Tensor, share: Tensor) -> Tensor:
        """Lip components [B, T, P] to channels [B, T, E].

        ``left`` and ``share`` [B, S, T] say between which frames each step of the context lies, and how far.
        """
        frames = torch.relu(self.frame(lips))
        following = (left + 1).clamp(max=lips.shape[1] - 1)
        steps = []
        for k in range(left.shape[1]):
            part = share[:, k, :, None]
            steps.append(_rows_at(frames, left[:, k]) * (1 - part) + _rows_at(frames, following[:, k]) * part)
        around = self.drop(torch.cat(steps, 2))
        channels: Tensor = self.lips_out(self.drop(torch.relu(self.context(around))))
        return channels

    def to_model(self, basis: Array, facts: Mapping[str, Any], share: float) -> TowerModel:
        """For inference without torch; ``basis`` [80, P] takes lip shapes to scaled components."""
        arrays = {"lips": basis, "weights": self.weights}
        for name in ("frame", "context", "lips_out", "sound_out"):
            layer = getattr(self, name)
            arrays |= {name: layer.weight.T, f"{name}_bias": layer.bias}
        convolutions = [layer for layer in self.layers if isinstance(layer, nn.Conv1d)]
        for k, layer in enumerate(convolutions):
            assert layer.bias is not None
            arrays |= {f"sound{k}": layer.weight.permute(2, 1, 0), f"sound{k}_bias": layer.bias}
        plain = {
            name: np.asarray(a.detach().numpy() if isinstance(a, Tensor) else a, np.float32)
            for name, a in arrays.items()
        }
        return TowerModel(self.options, plain, share, facts=facts)


def _rows_at(values: Tensor, place: Tensor) -> Tensor:
    return torch.gather(values, 1, place[..., None].expand(-1, -1, values.shape[2]))


def lag_curves(
    said: Tensor, heard: Tensor, place: Tensor, seen: Tensor, there: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Similarity at each lag of +-1 s in cells of sound, and how many frames it rests on, [B, 2 * 100 + 1] each.

    The correlation of :func:`genlock.aligners.curves.correlate`, but with means and spreads of the whole stretch
    instead of those of each lag's overlap: cheaper, and as good to learn from.

    Parameters
    ----------
    said, heard : what lips [B, T, E] and sound [B, N, E] say
    place : where each frame's centre lies among the cells of the sound, counted from the first one's centre, [B, T]
    seen, there : which frames [B, T] and cells [B, N] are to be used
    weights : of the channels, [E]
    """
    lips, sound = _standard(said, seen) * weights, _standard(heard, there)
    products = lips @ sound.transpose(1, 2)
    lags = torch.arange(-_REACH, _REACH + 1, device=place.device)
    at = place[:, :, None] - lags
    left = torch.floor(at + 1e-6)
    part = (at - left).clamp(0, 1).float()
    left = left.long()
    cells = heard.shape[1]
    inside = (left >= 0) & (left + 1 < cells) & seen[:, :, None]
    left = left.clamp(0, cells - 2)
    flat, usable = left.flatten(1), there.float()
    known = torch.gather(usable, 1, flat) * torch.gather(usable, 1, flat + 1)
    known = known.view_as(part) * inside
    values = torch.gather(products, 2, left) * (1 - part) + torch.gather(products, 2, left + 1) * part
    frames = known.sum(1)
    return (values * known).sum(1) / frames.clamp(min=1), frames


def _standard(values: Tensor, mask: Tensor) -> Tensor:
    weight = mask[..., None].float()
    count = weight.sum(1, keepdim=True).clamp(min=1)
    centred = (values - (values * weight).sum(1, keepdim=True) / count) * weight
    return centred / torch.sqrt((centred**2).sum(1, keepdim=True) / count + 1e-4)


# ---------------------------------------------------------------- the recipe


@dataclass(frozen=True, eq=False)
class _Clip:
    """One clip as it is trained on."""

    name: str
    mel: Track
    lips: tuple[Array, ...]
    """Scaled components, [T, P] each: as they are, and with the head turned in several ways."""
    seconds: Array
    """Centres of the frames, [T]."""
    offset: float
    """Where the clip lies: its sound is early by so much."""


@dataclass(frozen=True, eq=False)
class _Part:
    """Which clips, and the seed of what happens to them."""

    clips: tuple[int, ...]
    seed: int


class TowerRecipe(OneLossRecipe):
    """The towers for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to train on, by name, with sound and a face each
    held : to evaluate on, by name: their own offsets scatter, so a median is told
    people : who speaks in each clip to train on, by name; those who are not named speak in one clip each
    """

    name = "sync-tower"
    best: str | None = None
    unit = "sound_seconds"

    def __init__(
        self,
        clips: Mapping[str, Evidence],
        held: Mapping[str, Evidence],
        training: TowerTraining | None = None,
        seed: int = 0,
        people: Mapping[str, str] | None = None,
    ) -> None:
        self.training, self.seed, self._held = training or TowerTraining(), seed, held
        whose = {name: (people or {}).get(name, name if people else "") for name in clips}
        chosen = usable(clips)
        offsets = own_offsets(chosen, SyncTraining())
        near = in_step(offsets, self.training.most_shift_seconds, LEAST_CLIPS)
        self.spread_seconds = float(np.std([offsets[n] for n in near]))
        self.basis = _scaled_basis([chosen[n] for n in near], self.training, seed)
        random = np.random.default_rng((seed, len(near)))
        self._clips = [
            _clip(n, piece, self.basis, offsets[n], self.training, random)
            for n in near
            for piece in _pieces(chosen[n])
        ]
        self._chances = _chances([whose[clip.name] for clip in self._clips], self.training.balance)

    def record(self) -> dict[str, Any]:
        """Options and clips."""
        return {**asdict(self.training), "clips": [clip.name for clip in self._clips]}

    def model(self) -> Towers:
        """At their start."""
        return Towers(self.training.look, self.training.dropout)

    def parts(self, step: int) -> Sequence[_Part]:
        """A batch of clips, drawn without repetition."""
        random = np.random.default_rng((self.seed, step))
        count = min(self.training.batch, len(self._clips))
        chosen = random.choice(len(self._clips), count, replace=False, p=self._chances)
        return [_Part(tuple(map(int, chosen)), int(random.integers(2**31)))]

    def describe(self, part: _Part) -> str:
        """Names of its clips."""
        return ", ".join(self._clips[k].name for k in part.clips)

    def load(self, part: _Part) -> Batch:
        """Changed lips and sound with the stretches that are compared, padded to one length."""
        random = np.random.default_rng(part.seed)
        clips = [self._clips[k] for k in part.clips]
        made = [_Item.of(clip, self.training, random) for clip in clips]
        frames, cells = max(len(m.lips) for m in made), max(len(m.bands) for m in made)
        rows: dict[str, list[npt.NDArray[Any]]] = {}
        for item in made:
            for name, array in item.padded(frames, cells).items():
                rows.setdefault(name, []).append(array)
        tensors = {name: torch.from_numpy(np.stack(arrays)) for name, arrays in rows.items()}
        return Batch(tensors, float(len(made)), float(sum(len(m.bands) for m in made)) / 100)

    def loss(self, model: Towers, batch: Batch, step: int) -> Loss:
        """Cross-entropy of the lag among those of the clip's own sound and of the next clip's."""
        t = batch.tensors
        said = model.picture(t["lips"], t["left"], t["share"])
        heard = model.sound(t["bands"])
        own, frames = lag_curves(said, heard, t["place"], t["seen"], t["there"], model.weights)
        others = heard.roll(1, 0), t["there"].roll(1, 0)
        other, other_frames = lag_curves(said, others[0], t["place"], t["seen"], others[1], model.weights)
        scores = torch.cat([_scores(model, own, frames), _scores(model, other, other_frames)], 1)
        lags = torch.arange(-_REACH, _REACH + 1, device=own.device) * 0.01
        away = (lags - t["offset"][:, None]) / self.training.target_seconds
        target = torch.exp(-0.5 * away**2) * (frames >= _LEAST_FRAMES)
        target = (target / target.sum(1, keepdim=True).clamp(min=1e-9)).float()
        loss = -(target * torch.log_softmax(scores, 1)[:, : len(lags)]).sum()
        return Loss(loss)

    def evaluate(self, model: Towers) -> dict[str, float]:
        """Median distance of the held clips' offsets from their median, in seconds."""
        if not self._held:
            return {}
        tower = model.to_model(self.basis, {}, 1.0)
        found = [tower_offset(clip, tower) for _, clip in sorted(self._held.items())]
        offsets = np.array([o for o in found if o is not None])
        return {"held_deviation_seconds": float(np.median(np.abs(offsets - np.median(offsets))))}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz``, not yet calibrated, and ``config.json``."""
        facts = {"training": asdict(self.training), "clips": len(self._clips), "figures": dict(figures)}
        towers = self.model()
        towers.load_state_dict(model.weights)
        save_tower(towers.to_model(self.basis, facts, self.training.share), folder / "model.npz")
        write_json(folder / "config.json", {"kind": TOWER_NAME, "training": asdict(self.training)})


def tower_offset(evidence: Evidence, tower: TowerModel) -> float | None:
    """The offset at which the towers alone see a clip; None if they see nothing."""
    face = main_face(evidence)
    if face is None or evidence.mel is None:
        return None
    said, heard = picture_tower(face, tower), sound_tower(evidence.mel, tower)
    peak = find_peak(weighted(correlate(heard, said, "0.6", weights=tower.arrays["weights"])))
    return None if peak is None else peak.lag_seconds


def _scores(model: Towers, values: Tensor, frames: Tensor) -> Tensor:
    """How likely each lag is, as logits: similarity grows into them with the root of what was compared."""
    scaled = torch.exp(model.sharpness) * values * torch.sqrt(frames * 0.1)
    return torch.where(frames >= _LEAST_FRAMES, scaled, torch.full_like(scaled, -1e4))


@dataclass(frozen=True, eq=False)
class _Item:
    """One clip, changed, with the stretches of it that are compared."""

    bands: npt.NDArray[np.float32]
    lips: npt.NDArray[np.float32]
    left: npt.NDArray[np.int64]
    share: npt.NDArray[np.float32]
    place: Array
    seen: npt.NDArray[np.bool_]
    there: npt.NDArray[np.bool_]
    offset: float

    @classmethod
    def of(cls, clip: _Clip, training: TowerTraining, random: np.random.Generator) -> _Item:
        bands = _changed_sound(clip.mel, training, random)
        turn = random.random() < training.turned
        chosen = clip.lips[int(random.integers(1, len(clip.lips)))] if turn else clip.lips[0]
        lips = _changed_lips(chosen, training, random)
        centers = clip.mel.grid.centers(len(clip.mel))
        low, high = min(clip.seconds[0], centers[0]), max(clip.seconds[-1], centers[-1])
        seen = _stretch(clip.seconds, low, high, training.least_seconds, random)
        there = _stretch(centers, low, high, training.least_seconds + 0.4, random)
        # The frames' clock is moved by a fraction of a cell, so that every phase is met.
        jitter = random.uniform(-0.005, 0.005)
        place = (clip.seconds + jitter - centers[0]) * 100
        left, share = _between(clip.seconds, training.look.lip_steps)
        return cls(bands, lips, left, share, place, seen, there, clip.offset + jitter)

    def padded(self, frames: int, cells: int) -> dict[str, npt.NDArray[Any]]:
        """Arrays of one length; what was added is neither seen nor there."""
        more, silent_cells = frames - len(self.lips), cells - len(self.bands)
        return {
            "bands": np.pad(self.bands, ((0, silent_cells), (0, 0))),
            "lips": np.pad(self.lips, ((0, more), (0, 0))),
            "left": np.pad(self.left, ((0, 0), (0, more))),
            "share": np.pad(self.share, ((0, 0), (0, more))),
            "place": np.pad(self.place, (0, more)),
            "seen": np.pad(self.seen, (0, more)),
            "there": np.pad(self.there, (0, silent_cells)),
            "offset": np.array(self.offset),
        }


def _stretch(
    seconds: Array, low: float, high: float, least: float, random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """A stretch of at least ``least`` seconds somewhere, so that the largest overlap says nothing about the lag."""
    length = random.uniform(min(least, high - low), high - low)
    start = random.uniform(low, high - length)
    return np.asarray((seconds >= start) & (seconds <= start + length))


def _between(seconds: Array, steps: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Between which frames each step of 40 ms lies, and how far, [S, T] each; held beyond the ends."""
    wanted = np.stack([seconds + k * _STEP_SECONDS for k in range(-steps, steps + 1)])
    left = np.clip(np.searchsorted(seconds, wanted, side="right") - 1, 0, max(len(seconds) - 2, 0))
    following = np.minimum(left + 1, len(seconds) - 1)
    gap = np.maximum(seconds[following] - seconds[left], 1e-9)
    share = np.clip((wanted - seconds[left]) / gap, 0, 1)
    return left.astype(np.int64), share.astype(np.float32)


def _changed_sound(
    mel: Track, training: TowerTraining, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Bands of another vocal tract, room and level."""
    look = training.look.look
    if random.random() < 0.75:
        mel = warped(mel, random.uniform(*training.warp))
    if random.random() < 0.5:
        mel = mel.map(lambda values: _with_noise(np.asarray(values, np.float64), random))
    decades = random.uniform(-training.floor_decades, training.floor_decades)
    bands = sound_bands(mel, replace(look, floor=look.floor * 10**decades)).values
    bands = bands * random.uniform(0.85, 1.15)
    if random.random() < 0.5:
        first = int(random.integers(0, bands.shape[1] - 6))
        bands[:, first : first + int(random.integers(2, 8))] = 0
    return np.asarray(bands, np.float32)


def _with_noise(values: Array, random: np.random.Generator) -> Array:
    """Noise 7 to 35 dB below the loud parts, with less of it in high bands."""
    bands = values.shape[1]
    loud = np.quantile(np.logaddexp.reduce(values, axis=1) - np.log(bands), 0.95)
    tilt = np.linspace(0, random.uniform(0, 3), bands)
    noise = loud + np.log(random.gamma(4, 0.25, values.shape)) - tilt - random.uniform(1.5, 8)
    return np.asarray(np.logaddexp(values, noise))


def _changed_lips(
    lips: Array, training: TowerTraining, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Lips of another shape and range: components scaled and mixed a little; and trembling."""
    count, spread = lips.shape[1], training.lip_spread
    mixing = np.eye(count) + 0.25 * spread * random.standard_normal((count, count))
    mixed = lips @ (mixing * np.exp(spread * random.standard_normal(count)))
    noise = random.standard_normal(mixed.shape) * mixed.std(axis=0) * training.lip_noise
    return np.asarray(mixed + noise, np.float32)


# ---------------------------------------------------------------- clips


def _pieces(clip: Evidence) -> list[Evidence]:
    """A clip, or equal parts of a long one in which the face is seen; each half a second longer at both ends."""
    length = clip.end - clip.start
    count = -(-length // _LONGEST)
    if count <= 1:
        return [clip]
    edges = [clip.start + length * k / count for k in range(count + 1)]
    cuts = [
        cut(clip, max(clip.start, low - Fraction(1, 2)), min(clip.end, high + Fraction(1, 2)))
        for low, high in pairwise(edges)
    ]
    return [
        piece
        for piece in cuts
        if (face := main_face(piece)) is not None and face.lips.valid.sum() >= _LEAST_FRAMES
    ]


def _chances(people: Sequence[str], balance: float) -> Array:
    """How often each clip is drawn, [N]; who has many is drawn less than so often as his clips are many.

    >>> _chances(["a", "a", "a", "a", "b"], 0.5).round(3).tolist()
    [0.167, 0.167, 0.167, 0.167, 0.333]
    """
    counts = Counter(people)
    weights = np.array([counts[who] ** -balance for who in people])
    return np.asarray(weights / weights.sum())


def _scaled_basis(clips: Sequence[Evidence], training: TowerTraining, seed: int) -> Array:
    """Principal components of the lips, those that vary less made larger by half as many powers, [80, P]."""
    look, random = training.look, np.random.default_rng(seed)
    more = [turned(clip, Turning(), random) for clip in clips if training.turned]
    scatter, rows = lip_scatter([*clips, *more], look.look)
    values, vectors = np.linalg.eigh(scatter / rows)
    spread = np.sqrt(np.maximum(values[::-1][: look.components], 1e-12))
    return np.asarray(vectors[:, ::-1][:, : look.components] / np.sqrt(spread * spread[0]))


def _clip(
    name: str,
    clip: Evidence,
    basis: Array,
    offset: float,
    training: TowerTraining,
    random: np.random.Generator,
) -> _Clip:
    assert clip.mel is not None
    turns = [turned(clip, Turning(), random) for _ in range(_TURNS) if training.turned]
    shapes = [lip_shapes(talking_face(seen).lips, training.look.look) for seen in (clip, *turns)]
    return _Clip(name, clip.mel, tuple(rows @ basis for rows, _ in shapes), shapes[0][1], offset)


def fit_tower(
    clips: Mapping[str, Evidence],
    held: Mapping[str, Evidence],
    folder: Path,
    training: TowerTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
    people: Mapping[str, str] | None = None,
) -> tuple[TowerModel, tuple[str, ...]]:
    """Train the towers in a run folder; a run that was stopped goes on. Gives the model, and the notes of the loop.

    Parameters
    ----------
    clips : to train on, by name, at least four, with sound and a face each
    held : to evaluate on while training; may be empty
    people : who speaks in each of them, by name; nobody is told from others if it is not given

    Raises
    ------
    InputError
        If there are too few clips.
    TrainingError, OptionError, FormatError, OutputError
        As :func:`genlock.train.loop.train`.
    """
    options = loop or TOWER_LOOP
    recipe = TowerRecipe(clips, held, training, options.seed, people)
    result = train(recipe, options, folder, progress)
    model = load_tower(Path(result.model) / "model.npz")
    facts = {**model.facts, "loop": asdict(options), "spread_of_clips_seconds": recipe.spread_seconds}
    return replace(model, facts=facts), result.notes


def train_tower_on(
    parts: Parts,
    folder: str | os.PathLike[str],
    training: TowerTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
    notes: Sequence[str] = (),
    people: Mapping[str, str] | None = None,
) -> SyncTrained:
    """Train, calibrate and measure the towers beside the linear model that comes with Genlock.

    Parameters
    ----------
    parts : clips of single talking faces that are believed to be in step, by what they are for and by name
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on
    notes : what its reader should know of the clips
    people : who speaks in each of them, by name

    Raises
    ------
    InputError
        If too few of them can be used.
    OutputError
        If the folder cannot be written.
    """
    require_enough(parts)
    training, target = training or TowerTraining(), Path(folder)
    run = target / "run"
    model, of_loop = fit_tower(parts["train"], parts["calibrate"], run, training, loop, progress, people)
    options, look = loop or TOWER_LOOP, training.look
    words = {
        "parameters": sum(array.size for array in model.arrays.values()),
        "steps": options.steps,
        "batch": training.batch,
        "sound": 4 * sum(look.dilations) + 1,
        "lips": 2 * look.lip_steps + 1,
        "components": look.components,
        "share": model.share,
        "turned": training.turned,
    }
    return finish(
        model, save_tower, _CARD, words, parts, folder, training, options.seed, progress, (*notes, *of_loop)
    )


_CARD = """# Lips against speech, two towers

What it is: two small networks, one for the lips and one for the sound, trained to say the same at the same instant.
Their curve over lags is added to that of `lipsync-linear`, which gives the offset of sound and picture of a talking
face (`genlock sync`). {parameters:,} parameters, {size_kb:.0f} kB, numpy only.

- Data: {data}.
- Split as the index of the dataset says: {train} clips to train on, {calibrate} to choose and to fit the confidence on,
  {report} to report on.
- Licence: that of the data, with credit to its makers.
- Made by: `genlock train sync --model tower DATASET -o DIR`, seed {seed}, {steps} updates of {batch} clips.
- It sees 40 log-mel bands at 100 Hz, {sound} cells of 10 ms, and 40 points of the lips without pose, made symmetrical:
  {components} components, {lips} steps of 40 ms; at any frame rate.
- Each clip is put where a linear model of the others sees it; they scatter by {spread:.0f} ms about their common zero.
  Vocal tract, noise, level, missing bands, range and mixture of the lip components are changed at random; heads are
  turned by rule in {turned:.0%} of what it sees.
- Its curve counts {share:.0%}, the linear model's the rest.
- Figures of both together on the clips to report on: {figures}.

Limits: as those of `lipsync-linear`. One speaker is little to learn from: alone it is worse than the linear model on
short clips of others.
"""
