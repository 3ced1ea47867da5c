"""Which CTC checkpoint is used, and how; without what runs it."""

from __future__ import annotations

from dataclasses import dataclass

from genlock.core.errors import OptionError
from genlock.core.time import Exact
from genlock.models.speech.chunks import Chunking

__all__ = ["CtcModelOptions", "WritesPhones"]


class WritesPhones(OptionError):
    """A model whose symbols are phones was asked for words."""


@dataclass(frozen=True)
class CtcModelOptions:
    """Which CTC checkpoint, and how it is run and read."""

    model: str = ""
    """A folder with ``config.json``, ``vocab.json`` and the weights, or a name in the local Hugging Face
    cache."""
    beam: int = 0
    """Prefixes that the beam search keeps; 0 takes the likeliest symbol of each frame."""
    language_model: str | None = None
    """A KenLM file for the beam search, or None."""
    chunk_seconds: Exact = 20
    """Sound that is computed at a time, in seconds above 0."""
    context_seconds: Exact = 4
    """Sound on both sides that the model also sees, in seconds, at least 0."""
    batch: int = 1
    """Chunks that are computed together; 1 is best without a GPU."""
    keep: str | None = None
    """A file to keep the emissions in, so that an interrupted run goes on where it was; None: nowhere."""

    def __post_init__(self) -> None:
        self.chunking  # noqa: B018 - lengths out of range are told at birth
        if self.beam < 0 or self.batch < 1:
            raise OptionError(
                f"beam={self.beam}, batch={self.batch}: a beam is at least 0, a batch at least 1"
            )
        if self.language_model is not None and not self.beam:
            raise OptionError("a language model needs a beam search; give --beam 100 with it")

    @property
    def chunking(self) -> Chunking:
        """How the sound is cut."""
        return Chunking(self.chunk_seconds, self.context_seconds, self.context_seconds)
