"""``genlock train talker DATASET``: a talker, what it learns, how it is reported on, and its file.

The network runs on a uniform clock of the sound; its answer is read between the clock's cells at the true centres of
the film's frames, and only there asked for. So clips of every frame rate are learnt from together, and the talker
serves every frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.models.talker.inputs import CLOCK_RATE, hear
from genlock.models.talker.talker import Talker, load_talker, save_talker
from genlock.train.options import LoopOptions
from genlock.train.padding import stacked
from genlock.train.talker.augment import changed_bands, sped
from genlock.train.talker.card import card_of
from genlock.train.talker.clips import TalkingClip, displacements, resting_faces
from genlock.train.talker.controls import another_sound, loudness_line
from genlock.train.talker.figures import fit_emphasis, fitted_rests, glance, raw_weights, score
from genlock.train.talker.films import TalkingFilms, open_talking
from genlock.train.talker.listening import listening_for
from genlock.train.talker.options import TALKER_LOOP, TalkerTraining
from genlock.train.talker.reports import report
from genlock.train.talker.targets import basis_errors, build_basis

try:
    import torch

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
    from genlock.train.talker.examples import (
        MADE,
        Example,
        TrueFace,
        balanced,
        manner_of,
        on_cells,
        sped_spans,
        stretch_of,
    )
    from genlock.train.talker.losses import Asked, at_frames, flow_loss, talker_loss
    from genlock.train.talker.networks import TalkerNetwork
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TalkerRecipe", "train_talker"]

Array: TypeAlias = npt.NDArray[np.float32]
Tensor: TypeAlias = torch.Tensor

_LEAST_CLIPS = 4


class TalkerRecipe(ClipRecipe):
    """A talker for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from
    held : to choose and to fit the emphasis on; may be empty
    training : how
    seed : of the order and of all changes
    """

    name = "talker"
    best: str | None = "mouth_error"
    unit = "sound_seconds"

    def __init__(
        self,
        clips: Sequence[TalkingClip],
        held: Sequence[TalkingClip],
        training: TalkerTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or TalkerTraining(), seed
        self.clips, self.held = list(clips), list(held)
        if len(self.clips) < _LEAST_CLIPS:
            raise InputError(
                f"{len(self.clips)} clips with a face and sound are too few; give at least {_LEAST_CLIPS}"
            )
        self.rest = resting_faces([*self.clips, *self.held])
        # What faces are like, and how sound usually is, is that of people, where there are any.
        seen = [clip for clip in self.clips if not clip.made] or self.clips
        self.speakers = sorted({manner_of(clip) for clip in self.clips})
        own = [[self.rest[c.name] for c in seen if c.speaker == who] for who in {c.speaker for c in seen}]
        neutral = np.mean([np.mean(faces, axis=0) for faces in own], axis=0)
        basis = build_basis(displacements(seen, self.rest), neutral, self.training.components, seed)
        errors = basis_errors(basis, displacements(self.held or seen, self.rest))
        self.basis = replace(basis, errors=errors)
        self.listening = listening_for(seen, self.training)
        self._asked = Asked.of(self.basis)
        self._faces = [TrueFace.of(clip, self.rest[clip.name], self.basis) for clip in self.clips]
        # Numbers of clips; those of speakers with few clips stand here several times.
        self._drawn = balanced([manner_of(clip) for clip in self.clips], self.training.balance)
        lengths = [min(float(np.ptp(clip.seconds)), self.training.crop_seconds) for clip in self.clips]
        plan = BatchPlan(clips=self.training.batch, seed=seed)
        self._batches = Batches([lengths[k] for k in self._drawn], plan)

    # ------------------------------------------------------------ what the loop asks for

    def model(self) -> TalkerNetwork:
        """At its start."""
        learnt = self.training.manner > 0 or MADE in self.speakers
        manners = len(self.speakers) if learnt else 0
        return TalkerNetwork(
            self.training.network, self.listening.width, self.basis.size, self.training.dropout, manners
        )

    def describe(self, part: list[Item]) -> str:
        """Names of its clips."""
        return ", ".join(self.clips[self._drawn[item.clips[0]]].name for item in part)

    def load(self, part: list[Item]) -> Batch | None:
        """Changed sound and true faces, padded to one length."""
        if not part:
            return None
        made = [self._example(self._drawn[item.clips[0]], np.random.default_rng(item.seed)) for item in part]
        lengths = torch.tensor([len(one.heard) for one in made])
        frames, cells = max(len(one.valid) for one in made), int(lengths.max())
        longest = dict.fromkeys(("left", "share", "true", "weights", "valid", "gaps"), frames)
        longest |= {"heard": cells}
        if self.training.network.head == "flow":
            longest |= {"cell_weights": cells, "cell_valid": cells}
        tensors = {
            name: torch.from_numpy(stacked([getattr(one, name) for one in made], length))
            for name, length in longest.items()
        }
        tensors |= {
            "lengths": lengths,
            "opening": torch.tensor([one.opening for one in made]),
            "closed": torch.tensor([one.closed for one in made]),
            "speaker": torch.tensor([one.speaker for one in made]),
        }
        return Batch(tensors, float(len(made)), float(lengths.sum()) / float(CLOCK_RATE))

    def loss(self, model: TalkerNetwork, batch: Batch, step: int) -> Loss:
        """How far the face is from the true one at the frames."""
        t = batch.tensors
        inside, told = model.inside(t["heard"], t["lengths"], t["speaker"])
        found = at_frames(told, t["left"], t["share"])
        total, parts = talker_loss(
            found,
            t["true"],
            t["weights"],
            t["valid"],
            t["gaps"],
            t["opening"],
            t["closed"],
            self._asked,
            self.training.losses,
        )
        if model.flow is not None:
            parts["flow"] = flow_loss(
                model.flow, inside, told, t["cell_weights"], t["cell_valid"], t["lengths"]
            )
            total = total + self.training.losses.flow_loss * parts["flow"]
            parts["flow"] = parts["flow"].detach()
        return Loss(total, {name: (part, batch.weight) for name, part in parts.items()})

    def evaluate(self, model: TalkerNetwork) -> dict[str, float]:
        """On the held clips, in nobody's manner and without emphasis: error of the lips as a share of the mean face's,
        correlation of the opening, energy of motion."""
        if not self.held:
            return {"mouth_error": 0.0}
        plain = Talker(self.basis, self.listening, self.training.network, model.arrays())
        return glance(raw_weights(plain, self.held), self.held, self.rest, self.basis)

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz``, with the emphasis fitted on the held clips, and ``config.json``."""
        network = self.model()
        network.load_state_dict(model.weights)
        save_talker(self.talker(network, figures), folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    # ------------------------------------------------------------ what else it knows

    def talker(self, network: TalkerNetwork, figures: Mapping[str, float]) -> Talker:
        """The talker of a network as it now is."""
        o = self.training
        manners = network.manners.detach().cpu().numpy() if network.manners is not None else ()
        plain = Talker(
            self.basis,
            self.listening,
            o.network,
            network.arrays(),
            speakers=dict(zip(self.speakers, manners, strict=False)),
            facts={
                "training": asdict(o),
                "clips": len(self.clips),
                "speakers": self.speakers,
                "valid": dict(figures),
            },
        )
        judged = self.held or self.clips
        emphasis = fit_emphasis(
            raw_weights(plain, judged), judged, self.rest, self.basis, o.motion_energy, o.most_sharp
        )
        if o.network.causal:  # a smoothing over what follows would need another look ahead
            emphasis = fit_emphasis(
                raw_weights(plain, judged), judged, self.rest, self.basis, o.motion_energy, 0.0
            )
        return replace(plain, emphasis=emphasis)

    def _example(self, number: int, random: np.random.Generator) -> Example:
        clip, face = self.clips[number], self._faces[number]
        o, tracks, seconds = self.training, dict(clip.heard), clip.seconds
        speed = Fraction(round(1000 * float(np.exp(random.uniform(-o.changes.speed, o.changes.speed)))), 1000)
        first = next(track for track in tracks.values() if isinstance(track, Track))
        start = first.grid.center(0)
        for one in self.listening.heard:
            given = tracks[one.feature]
            if isinstance(given, Spans):
                continue
            if one.treatment == "level":
                given = given.map(lambda values: changed_bands(values, o.changes, random))
            tracks[one.feature] = sped(given, speed, start)
        if speed != 1 and "words" in tracks:
            words = tracks["words"]
            assert isinstance(words, Spans)
            tracks["words"] = sped_spans(words, speed, start)
        seconds = float(start) + (seconds - float(start)) / float(speed)
        heard = hear(tracks, self.listening)
        assert isinstance(heard.values, np.ndarray)
        place = (seconds - float(heard.grid.center(0))) * float(CLOCK_RATE)
        # Nobody's manner is that of people.
        own = random.random() < o.manner or clip.made
        speaker = self.speakers.index(manner_of(clip)) if own else -1
        frames, cells = stretch_of(place, len(heard), o.crop_seconds, random)
        place = place[frames] - cells.start
        count = cells.stop - cells.start
        left = np.clip(np.floor(place), 0, max(count - 2, 0)).astype(np.int64)
        known = clip.valid[frames] & (place > -1) & (place < count)
        cell_weights, cell_valid = on_cells(place, face.weights[frames], known, count)
        return Example(
            heard=heard.values[cells],
            cell_weights=cell_weights,
            cell_valid=cell_valid,
            left=left,
            share=np.clip(place - left, 0, 1).astype(np.float32),
            true=face.asked[frames],
            weights=face.weights[frames],
            valid=known,
            gaps=np.diff(seconds[frames], prepend=seconds[frames][:1] - 0.04).astype(np.float32),
            opening=face.opening,
            closed=face.closed,
            speaker=speaker,
        )


# ---------------------------------------------------------------- a whole training


def train_talker(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: TalkerTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a talker, and report on what it did not learn from.

    Parameters
    ----------
    sources : prepared datasets with the features it hears and ``landmarks``; or films, which are prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few clips can be used.
    OutputError
        If the folder cannot be written.
    """
    options, target = loop or TALKER_LOOP, Path(folder)
    o = training or TalkerTraining()
    films = open_talking(sources, target, o, progress)
    recipe = TalkerRecipe(films.learnt, films.held, o, options.seed)
    result = train(recipe, options, target / "run", progress)
    talker = load_talker(Path(result.model) / "model.npz")
    found = report_on(talker, recipe, films)
    talker = replace(talker, facts={**talker.facts, "loop": asdict(options), "report": found})
    save_talker(talker, target / "model.npz")
    write_text(target / "MODEL_CARD.md", card_of(talker, o, films, options))
    flat = {
        f"{who}_{name}": figure["value"]
        for who, figures in found.items()
        for name, figure in figures.items()
        if isinstance(figure, dict) and figure["value"] is not None
    }
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **flat},
        notes=(*result.notes, *films.notes),
    )


def report_on(talker: Talker, recipe: TalkerRecipe, films: TalkingFilms) -> dict[str, Any]:
    """Figures on the clips to report on: the talker, the line of loudness, and the talker on another clip's sound."""
    clips = films.reported
    if not clips:
        return {}
    rest, basis = {**recipe.rest, **resting_faces(clips)}, talker.basis
    made = raw_weights(talker, clips)
    line = loudness_line(recipe.clips, clips, rest, basis)
    rows = {"talker": made, "loudness_line": line, "another_sound": another_sound(made, clips)}
    if any(clip.speaker in talker.speakers for clip in clips):
        rows["in_own_manner"] = raw_weights(talker, clips, own=True)
    found = {name: report(score(weights, clips, rest, basis)).to_dict() for name, weights in rows.items()}
    return {
        **found,
        "fitted_rest": report(score(made, clips, fitted_rests(made, clips, basis), basis)).to_dict(),
    }
