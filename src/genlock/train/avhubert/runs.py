"""Whole trainings: from datasets to a folder with a model, its figures and its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genlock.core.errors import MissingDependency
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.train.avhubert.card import avhubert_card, avsr_card
from genlock.train.avhubert.clips import open_av
from genlock.train.avhubert.options import AVHUBERT_LOOP, AVSR_LOOP, AVHubertTraining, AvsrTraining
from genlock.train.options import LoopOptions

try:
    from genlock.models.avhubert.recognizer import load_avsr, save_avsr
    from genlock.train.avhubert.avsr import AvsrRecipe
    from genlock.train.avhubert.gating import fit_gate
    from genlock.train.avhubert.pretraining import AVHubertRecipe, probe_figures
    from genlock.train.loop import processes, train
    from genlock.train.recipe import TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["train_avhubert", "train_avsr"]

#: Folder of a run, in the folder that gets the model.
RUN = "run"


def train_avhubert(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: AVHubertTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Pretrain an AV-HuBERT by masked clusters, or distil a speech model into it; a probe says what it knows of phones.

    Parameters
    ----------
    sources : prepared datasets with sound and mouths, or films, which are prepared first
    folder : gets ``config.json``, ``model.safetensors`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was
        stopped goes on

    Raises
    ------
    InputError
        If too few clips can be used.
    MissingModel, TrainingError, OutputError
        See :func:`genlock.train.loop.train`.
    """
    o, options, target = training or AVHubertTraining(), loop or AVHUBERT_LOOP, Path(folder)
    with processes().main_process_first():
        films = open_av(sources, target, o, progress)
    recipe = AVHubertRecipe(films.learnt, films.held, o, options.seed)
    result = train(recipe, options, target / RUN, progress)
    if not processes().is_main_process:
        return result
    model = load_avsr(result.model)
    found = probe_figures(model, films, o.labels)
    model.facts |= {"probe": found}
    save_avsr(model, target)
    write_json(target / "figures.json", {"kind": "figures", "valid": result.figures, "probe": found})
    write_text(target / "MODEL_CARD.md", avhubert_card(model, o, films, options, {**result.figures, **found}))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **found},
        notes=(*result.notes, *films.notes),
    )


def train_avsr(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: AvsrTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a recogniser of sound and lips with its alignment, and fit its gate on held-out clips.

    Parameters
    ----------
    sources : prepared datasets with sound, mouths and texts, or films, which are prepared first
    folder : gets the model and its card, and the run in ``run``; a run that was stopped goes on

    Raises as :func:`train_avhubert`.
    """
    o, options, target = training or AvsrTraining(), loop or AVSR_LOOP, Path(folder)
    with processes().main_process_first():
        crop = load_avsr(o.start).parts.encoder.crop if o.start else None
        films = open_av(sources, target, o, progress, crop=crop)
    recipe = AvsrRecipe(films.learnt, films.held, o, options.seed)
    result = train(recipe, options, target / RUN, progress)
    if not processes().is_main_process:
        return result
    model = load_avsr(result.model)
    found: dict[str, Any] = fit_gate(model, recipe.held, options.seed, progress)
    model.facts |= {"gate": found}
    save_avsr(model, target)
    write_text(target / "MODEL_CARD.md", avsr_card(model, o, films, options, result.figures))
    return replace(result, directory=str(target), model=str(target), notes=(*result.notes, *films.notes))
