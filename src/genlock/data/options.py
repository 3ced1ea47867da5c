"""Options of ``genlock prepare`` and ``genlock export``; nothing here needs the packages that datasets need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from genlock.core.errors import OptionError

__all__ = ["ExportOptions", "PrepareOptions"]


@dataclass(frozen=True)
class PrepareOptions:
    """Options of ``genlock prepare``."""

    recipe: str | None = None
    """What kind of corpus the source is: face, folder, grid, lrs3, sound, speech, voxceleb2, or one that another
    package registers; default: the dataset's, and of a new one folder."""
    outputs: str | None = None
    """Outputs of each clip, separated by commas, such as sound@16000,mel:specvqgan,frames@21.5/340x256,mouth/96: any
    feature as genlock features takes it (ssl:MODEL#LAYER, rgb:regnet:FILE), video@25/96, offset, words; default: the
    recipe's. Those that the dataset has stay."""
    clip_seconds: str | None = None
    """Length of a clip in seconds; "whole": each source is one clip; default: the dataset's, and of a new one the
    recipe's."""
    keep_tails: bool = True
    """Keep what is left at the end of a source, marked as a tail."""
    split: str | None = None
    """Shares of train, valid and test; default: the dataset's, and of a new one 0.8/0.1/0.1."""
    group: Literal["auto", "speaker", "source"] | None = None
    """What is never in two splits: a speaker or a source; auto: the speaker where the corpus names at least three;
    default: the dataset's, and of a new one auto."""
    seed: int | None = None
    """Seed of the splits; default: the dataset's, and of a new one 0."""
    layer: str | None = None
    """Layer of every ssl that names none: a number or conv; default: the last (ssl:MODEL#LAYER names its own)."""
    labels: str | None = None
    """Labels of every frame, separated by commas: kmeans:FEATURE:CLUSTERS, such as kmeans:mfcc:kaldi39:100; found
    on the training split, with the seed of the splits. Those that the dataset has stay."""
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
    replace: bool = False
    """Make the dataset exactly what is asked for now: other outputs, labels, clips and sources leave it."""
    status: bool = False
    """Only say how far the dataset is."""


@dataclass(frozen=True)
class ExportOptions:
    """Options of ``genlock export``."""

    to: str = "webdataset"
    """webdataset (tar shards), huggingface (Parquet for datasets.load_dataset), lhotse (manifests), avhubert (.tsv,
    .wrd, .km and mouth films), regnet (folders and lists of RegNet, SpecVQGAN and PerceptAlign), or one that another
    package registers."""
    kinds: str | None = None
    """Outputs to take, as the folders are called, separated by commas; default: all."""
    tails: bool = True
    """Take tails too."""
    shard_megabytes: int = 512
    """Size of a shard in millions of bytes, at least 1 (webdataset, huggingface)."""
    name: str = "dataset"
    """Name of the dataset in names of files (lhotse, regnet)."""
    seed: int = 0
    """Seed of the order of samples (webdataset)."""

    def __post_init__(self) -> None:
        if self.shard_megabytes < 1:
            raise OptionError(f"shards of {self.shard_megabytes} MB are not possible; give at least 1")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.name):
            raise OptionError(f"--name {self.name!r}: use letters, digits, _ and - only")
