"""Options of ``genlock prepare``; nothing here needs the packages that datasets need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PrepareOptions"]


@dataclass(frozen=True)
class PrepareOptions:
    """Options of ``genlock prepare``."""

    recipe: str = "folder"
    """What kind of corpus the source is: folder, grid, speech, or one that another package registers."""
    outputs: str | None = None
    """Outputs of each clip, separated by commas, such as sound@16000,mel:specvqgan,frames@21.5/340x256,mouth/96;
    default: the recipe's."""
    clip_seconds: str | None = None
    """Length of a clip in seconds; "whole": each source is one clip; default: the recipe's."""
    keep_tails: bool = True
    """Keep what is left at the end of a source, marked as a tail."""
    split: str = "0.8/0.1/0.1"
    """Shares of train, valid and test."""
    group: Literal["auto", "speaker", "source"] = "auto"
    """What is never in two splits: a speaker or a source; auto: the speaker where the corpus names at least three."""
    seed: int = 0
    """Seed of the splits."""
    weights: str | None = None
    """File of weights for the output rgb."""
    workers: int = 2
    """Sources at a time, at least 1."""
    engine: Literal["local", "ray"] = "local"
    """Processes of this machine, or a Ray cluster."""
    address: str | None = None
    """Address of the Ray cluster; default: Ray on this machine."""
    limit_seconds: float = 600.0
    """Longest time for one source; what takes longer is quarantined."""
    retry: bool = False
    """Try again what is in quarantine."""
    status: bool = False
    """Only say how far the dataset is."""
