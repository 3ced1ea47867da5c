"""Models to start from: a folder, or a name in the local Hugging Face cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from genlock.core.errors import FormatError, InputError, MissingModel
from genlock.models.speech.encoder import without_advice

__all__ = ["checkpoint_configuration", "load_checkpoint"]


def checkpoint_configuration(start: str, settings: dict[str, Any]) -> Any:
    """The configuration of a checkpoint with some settings changed.

    Raises MissingModel if it is not here, FormatError if it is damaged, InputError if it is of another kind.
    """
    local = Path(start).exists()
    try:
        config = transformers.AutoConfig.from_pretrained(start, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        if local:
            raise FormatError(f"{start!r} is no checkpoint of Hugging Face's form ({error})") from error
        raise MissingModel(
            f"the model {start!r} is neither a folder nor in the local cache; get it: genlock models fetch {start}"
        ) from error
    if not hasattr(config, "conv_kernel"):
        raise InputError(
            f"{start!r} is a checkpoint of {config.model_type!r}; training starts from wav2vec 2.0, HuBERT or WavLM"
        )
    config.update(settings)
    return config


def load_checkpoint(kind: Any, start: str, config: Any) -> Any:
    """The model with the checkpoint's weights; what is of another size, or not in it, begins at random.

    Raises FormatError if the weights cannot be loaded, or none of the transformer's is among them.
    """
    try:
        with without_advice():
            model, report = kind.from_pretrained(
                start,
                config=config,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                weights_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except Exception as error:
        raise FormatError(
            f"the weights of {start!r} cannot be loaded ({error}); fetch or save them again"
        ) from error
    fresh = [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]
    if any("encoder.layers" in key for key in fresh):
        raise FormatError(
            f"the checkpoint {start!r} lacks {len(fresh)} weights of the model, such as {fresh[0]!r}"
        )
    return model
