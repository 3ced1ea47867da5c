"""How Whisper listens, in the words of whisper's own command; without what runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from genlock.core.errors import OptionError

__all__ = ["COMPUTE_TYPES", "ComputeType", "Device", "Task", "WhisperOptions"]

Task = Literal["transcribe", "translate"]
Device = Literal["auto", "cpu", "cuda"]
ComputeType = Literal[
    "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"
]
#: What weights are computed in; ``auto`` is int8 on the CPU and float16 on a GPU.
COMPUTE_TYPES: tuple[ComputeType, ...] = ComputeType.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class WhisperOptions:
    """Which Whisper, and how it listens.

    >>> WhisperOptions("large-v3", task="translate").beam_size
    5

    Raises
    ------
    OptionError
        If the beam is below 1.
    """

    model: str | None = None
    """A name such as ``tiny.en``, ``large-v3`` or ``turbo``, a folder in faster-whisper's form, or a name of the hub;
    None: the one that suits the language and is here."""
    task: Task = "transcribe"
    """``translate``: English words, whatever is spoken."""
    beam_size: int = 5
    """Hypotheses that the search keeps, at least 1."""
    initial_prompt: str | None = None
    """A text that is taken to come before what is said: names, spelling, style."""
    hotwords: str | None = None
    """Words that are likely to be said."""
    vad: bool = True
    """Whether a detector of voices decides what is heard at all."""
    device: Device = "auto"
    """``auto``: a GPU where there is one that can be used."""
    compute_type: ComputeType = "auto"
    """What weights are computed in."""

    def __post_init__(self) -> None:
        if self.beam_size < 1:
            raise OptionError(f"beam_size={self.beam_size}: a beam keeps at least 1 hypothesis")
        if self.compute_type not in COMPUTE_TYPES:
            raise OptionError(
                f"compute_type={self.compute_type!r} is unknown; there are {', '.join(COMPUTE_TYPES)}"
            )
