"""What the recipes of speech models share: batches of clips by length, one optimiser, a result for transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, Item
from genlock.extractors.sound.framing import Framing, conv_stack
from genlock.train.clip_recipe import OneLossRecipe
from genlock.train.datasets import left_out_notes, open_datasets, split_by
from genlock.train.loop import processes, train
from genlock.train.options import LoopOptions, SpeechTraining
from genlock.train.recipe import Batch, Exported, TrainResult
from genlock.train.speech.checkpoints import checkpoint_configuration, load_checkpoint
from genlock.train.speech.shapes import make_config, start_with_filter_bank
from genlock.train.speech.symbols import write_processor
from genlock.train.speech.utterances import NEEDS, Speech, Utterances

__all__ = ["SpeechRecipe", "train_speech"]

Training = TypeVar("Training", bound=SpeechTraining)


@dataclass(eq=False)
class SpeechRecipe(OneLossRecipe, Generic[Training]):
    """A recipe of a speech model, for :func:`genlock.train.loop.train`.

    One of a kind says in ``__post_init__`` what it learns from (:attr:`learnt`, :attr:`valid`), with
    :meth:`configure` what its model is like, and brings ``model``, ``load``, ``loss`` and ``evaluate``.
    """

    speech: Speech
    training: Training
    loop: LoopOptions
    name: str = ""
    best: str | None = None
    unit: str = "sound_seconds"
    vocabulary: dict[str, int] | None = field(init=False, default=None)
    """The symbols that the model writes, if it writes any."""
    learnt: Utterances = field(init=False)
    """The clips that are learnt from."""
    valid: Utterances = field(init=False)
    """The clips that it is measured on."""
    framing: Framing = field(init=False)
    """Which samples each frame of the model looks at."""

    def configure(self, settings: dict[str, Any]) -> None:
        """Settle the model's configuration: that of the checkpoint to start from, or of a shape, with these settings.

        Raises MissingModel, FormatError, InputError or OptionError if there is no such checkpoint or shape.
        """
        t = self.training
        self._config: Any = (
            checkpoint_configuration(t.start, settings) if t.start else make_config(t.shape, **settings)
        )
        self.framing = conv_stack(tuple(self._config.conv_kernel), tuple(self._config.conv_stride))
        self._masked: bool = self._config.feat_extract_norm == "layer"

    def batch_by_length(self, seconds: Sequence[float]) -> None:
        """Settle which clips make which batch, by their lengths in seconds."""
        self._batches = Batches(seconds, self.training.plan(self.loop.seed))

    def begin(self, kind: Any, fresh: Callable[[Any], Any]) -> Any:
        """The checkpoint to start from as a model of a kind, or a fresh one, whose convolutions hear a spectrogram."""
        if self.training.start:
            return load_checkpoint(kind, self.training.start, self._config)
        model = fresh(self._config)
        start_with_filter_bank(model)
        return model

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(clip, reason) of what this recipe cannot use of the speech."""
        return ()

    def notes(self, figures: Mapping[str, float]) -> tuple[str, ...]:
        """What the figures of the result mean, if they mean that it is of little use."""
        return ()

    def record(self) -> dict[str, Any]:
        clips, seconds = len(self.learnt), round(self.learnt.total_seconds, 3)
        return {**asdict(self.training), "clips": clips, "seconds": seconds}

    def about(self) -> dict[str, Any]:
        """What else the result's ``training.json`` says."""
        return {}

    def parts(self, step: int) -> Sequence[list[Item]]:
        return self._batches.at(step)

    def describe(self, part: list[Item]) -> str:
        return ", ".join(self.learnt.names[k] for item in part for k in item.clips)

    def model(self) -> Any:
        raise NotImplementedError

    def load(self, part: list[Item]) -> Batch | None:
        raise NotImplementedError

    def evaluate(self, model: Any) -> dict[str, float]:
        raise NotImplementedError

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        model.module.save_pretrained(folder, state_dict=model.weights)
        write_processor(folder, self.vocabulary, normalize=True, mask=self._masked)
        write_json(
            folder / "training.json",
            {
                "kind": "training",
                "recipe": self.name,
                "settings": self.record(),
                "loop": asdict(self.loop),
                "figures": dict(figures),
                "held_out_clips": len(self.valid),
                **self.about(),
            },
        )


AnyRecipe = TypeVar("AnyRecipe", bound=SpeechRecipe[Any])


def train_speech(
    recipe_of: Callable[[Speech], AnyRecipe],
    sounds: Sequence[str | Path],
    folder: str | Path,
    training: SpeechTraining,
    loop: LoopOptions,
    language: str = "auto",
    progress: Progress = silent,
) -> tuple[TrainResult, AnyRecipe]:
    """Open or prepare what is to be learnt from, and train; notes say what was prepared, left out and found.

    Raises as :func:`genlock.train.datasets.open_datasets`, :meth:`Speech.open` and :func:`genlock.train.loop.train`.
    """
    with processes().main_process_first():
        opened = open_datasets(sounds, folder, NEEDS, progress, split_by(training.split_by))
    speech = Speech.open(opened.datasets, language)
    recipe = recipe_of(speech)
    result = train(recipe, loop, folder, progress)
    notes = (*result.notes, *recipe.notes(result.figures), *opened.notes, *speech.notes)
    if processes().is_main_process:
        notes += left_out_notes((*speech.left_out, *recipe.left_out), folder)
    return replace(result, notes=notes), recipe
