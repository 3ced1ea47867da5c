"""``genlock train RECIPE``: the options of each recipe are those of its dataclass."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import tyro

from genlock.cli.arguments import Files, Json, Output, run_commands
from genlock.cli.running import Bar, show
from genlock.core.errors import OptionError
from genlock.tasks import train_models as trainings
from genlock.train.lipsync.linear import SyncTraining
from genlock.train.options import (
    TOWER_LOOP,
    CtcTraining,
    LoopOptions,
    TowerTraining,
    Wav2Vec2Training,
    options_from,
    read_options,
)

__all__ = ["train", "train_recipe"]

_SYNC_TRAINING = SyncTraining()
_TOWER_TRAINING = TowerTraining()


def train(show: Annotated[bool, tyro.conf.arg(name="list")] = False) -> None:
    """Train a model: genlock train RECIPE SOUNDS... -o RUN; genlock train RECIPE --help shows how.

    Args:
        show: List the recipes.
    """
    for name, title in trainings.RECIPES.items():
        print(f"{name:<10}{title}")
    if not show:
        raise OptionError(
            "which recipe? Say: genlock train RECIPE ...; genlock train RECIPE --help shows how"
        )


def _training(recipe: str, settings: Mapping[str, Any]) -> Callable[..., None]:
    """The command of a recipe; its options begin with what a file of options says."""
    kind: Any
    work: Any
    kind, work = {
        "ctc": (CtcTraining, trainings.train_ctc),
        "wav2vec2": (Wav2Vec2Training, trainings.train_wav2vec2),
    }[recipe]
    begin, begin_loop = options_from(settings, kind, LoopOptions)

    def command(
        sounds: Files,
        /,
        training: Any = begin,
        loop: LoopOptions = begin_loop,
        output: Output = None,
        options: str | None = None,
        json: Json = False,
    ) -> None:
        with Bar("") as bar:
            result = work(sounds, output or f"{recipe}-run", training, loop, bar)
        show(result, json)

    command.__annotations__["training"] = kind
    command.__doc__ = f"""Train {recipe}: {trainings.RECIPES[recipe]}. A run that was stopped goes on.

    --from CHECKPOINT is another name of --start.

    Args:
        sounds: Folders of sounds or videos (with transcripts.tsv where texts are needed), or a prepared folder.
        output: The run folder (default: {recipe}-run here).
        options: A YAML file of options, or a run's run.json; flags come after it.
        json: Print one JSON object instead of text.
    """
    return command


def _train_sync(
    videos: Files,
    /,
    model: Literal["linear", "tower"] = "linear",
    training: SyncTraining = _SYNC_TRAINING,
    output: Output = None,
    json: Json = False,
) -> None:
    """Train the model that measures offsets from lips and speech, on videos that are believed to be in step.

    Args:
        videos: Videos of single talking faces, or folders of them.
        model: What to train: linear (ridge regression and canonical correlation, in closed form), or tower (two small
            networks that are used beside it; needs torch; genlock train sync --model tower --help shows its options).
        output: Folder for model.npz and MODEL_CARD.md (default: sync-linear here).
        json: Print one JSON object instead of text.
    """
    with Bar("") as bar:
        result = trainings.train_sync(videos, output or f"sync-{model}", training, bar)
    show(result, json)


def _train_tower(
    videos: Files,
    /,
    model: Literal["linear", "tower"] = "tower",
    training: TowerTraining = _TOWER_TRAINING,
    loop: LoopOptions = TOWER_LOOP,
    output: Output = None,
    json: Json = False,
) -> None:
    """Train the two towers of lips and speech, on videos believed to be in step. A run that was stopped goes on.

    Args:
        videos: Videos of single talking faces, or folders of them.
        model: What to train: tower (two small networks), or linear.
        output: Folder for model.npz, MODEL_CARD.md and the run (default: sync-tower here).
        json: Print one JSON object instead of text.
    """
    with Bar("") as bar:
        result = trainings.train_tower(videos, output or f"sync-{model}", training, loop, bar)
    show(result, json)


_FROM = re.compile(r"^--from(?=$|=)")


def train_recipe(arguments: Sequence[str]) -> None:
    """``genlock train RECIPE ...``."""
    words = [_FROM.sub("--start", word) for word in arguments]
    place = next((k for k, word in enumerate(words[:-1]) if word == "--options"), None)
    settings = {} if place is None else read_options(words[place + 1])
    commands = {
        recipe: _training(recipe, settings if words[0] == recipe else {})
        for recipe in trainings.RECIPES
        if recipe != "sync"
    }
    model = next((word for before, word in pairwise(words) if before == "--model"), "linear")
    # Each kind of model has options of its own, so which it is must be known before they are read.
    commands["sync"] = _train_tower if model == "tower" or "--model=tower" in words else _train_sync
    run_commands(commands, "genlock train", "Train a model.", words)
