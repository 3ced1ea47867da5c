"""What AV-HuBERT makes of sound and lips together, or of one of them: any layer, as a Track at 25 frames a second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingModel, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors.both.base import BothFeature
from genlock.extractors.both.on_frames import (
    FRAME_RATE,
    frames_of,
    heard_on_frames,
    mouth_pictures,
    seen_on_frames,
)
from genlock.extractors.spec import FeatureSpec

if TYPE_CHECKING:
    from genlock.models.avhubert.recognizer import AVRecognizer

__all__ = ["AVHuBERTFeature", "AVHuBERTOptions", "mouth_spec"]

SOUND = "sound@16000"
_OWN_MOUTH = "mouth/96"

_PART = re.compile(r"(?P<layer>\d+)?(-?(?P<of>sound|lips))?(\+(?P<seconds>\d+)s)?")


@dataclass(frozen=True)
class AVHuBERTOptions:
    """Which model, which of its layers, and what it is shown."""

    model: str
    """A folder of ours or of the safetensors port, its name in the local Hugging Face cache, or a fairseq ``.pt``."""
    layer: int | None = None
    """0 is the transformer's input, 1 its first layer ...; None: the encoder's output."""
    of: Literal["both", "sound", "lips"] = "both"
    """What it is shown: sound and lips, or one alone."""
    window_seconds: int = 20
    """Length of the windows that a long film is seen in, with 4 s more on both sides; at least 1."""

    def __post_init__(self) -> None:
        if not self.model:
            raise MissingModel(
                "the feature 'avhubert' needs a model: name the file, as avhubert:FILE, or a folder (genlock train "
                "avhubert makes one, genlock models convert one of a public checkpoint)"
            )
        if self.window_seconds < 1:
            raise OptionError(f"windows of {self.window_seconds} s are too short; 20 is usual")

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> AVHuBERTOptions:
        """``avhubert:MODEL[#[LAYER][-sound|-lips][+SECONDSs]]``.

        >>> AVHuBERTOptions.of_spec(FeatureSpec.parse("avhubert:my/model#9-lips"))
        AVHuBERTOptions(model='my/model', layer=9, of='lips', window_seconds=20)

        Raises OptionError if it cannot be meant.
        """
        match = _PART.fullmatch(spec.part)
        if match is None:
            raise OptionError(
                f"{spec.text!r}: after # goes a layer, -sound or -lips for one stream alone, +20s for windows of 20 s"
            )
        layer = None if match["layer"] is None else int(match["layer"])
        of: Literal["both", "sound", "lips"] = "both"
        if match["of"] is not None:
            of = "sound" if match["of"] == "sound" else "lips"
        return cls(spec.variant, layer, of, int(match["seconds"] or 20))


class AVHuBERTFeature(BothFeature):
    """``avhubert:MODEL#LAYER``: float32 [T, width], 25 a second.

    Of each face there is one Track, on frames from the first frame of the face on; of sound alone
    (``avhubert:MODEL#9-sound``) one of the whole file. A value is valid where all it is made of was there.

    Raises
    ------
    OptionError
        If it has no such layer.
    MissingModel, FormatError
        If no model is named, it is not here, or damaged.
    MissingDependency
        Without torch and transformers.
    """

    name = "avhubert"
    support = "whole"

    def __init__(self, options: AVHuBERTOptions) -> None:
        self.options = options
        # torch is an optional package: only who asks for this feature waits for it.
        from genlock.models.avhubert.load import load_avhubert
        from genlock.models.avhubert.windows import EncoderWindows

        loaded = load_avhubert(options.model)
        self.model: AVRecognizer = loaded.model
        layers = self.model.parts.encoder.layers
        if options.layer is not None and options.layer > layers:
            raise OptionError(
                f"layer {options.layer} does not exist: {options.model!r} has layers 0...{layers}"
            )
        self.mouth = mouth_spec(self.model)
        self.parts = {"both": (SOUND, self.mouth), "sound": (SOUND,), "lips": (self.mouth,)}[options.of]
        which = "its output" if options.layer is None else f"layer {options.layer}"
        shown = {"both": "sound and lips", "sound": "sound alone", "lips": "lips alone"}[options.of]
        name = Path(options.model).name
        self.made_with = f"model {name} (sha256 {loaded.sha256[:16]}), {which}, {shown}"
        self.windows = EncoderWindows(options.window_seconds * int(FRAME_RATE), 4 * int(FRAME_RATE))
        self.context = f"{self.made_with}; windows of {options.window_seconds} s with 4 s on both sides"

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """A model, a layer, a stream; a rate of one's own."""
        cls.check(spec)
        feature = cls(AVHuBERTOptions.of_spec(spec))
        feature.rate, feature.name = spec.rate, spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise MissingModel if no model is named, OptionError if the rest cannot be meant."""
        spec.require_only("variant", "part", "rate")
        AVHuBERTOptions.of_spec(spec)

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The model."""
        return spec.variant or None

    def join(self, tracks: Mapping[str, Track]) -> Track:
        """Values of the layer that was asked for, on 25 frames a second."""
        from genlock.models.avhubert.windows import encode_windows

        picture = seen_on_frames(tracks[self.mouth]) if self.mouth in self.parts else None
        if picture is not None:
            grid, count = picture.grid, len(picture)
        else:
            # From the first sample on.
            grid, count = frames_of(tracks[SOUND].grid, len(tracks[SOUND]))
        assert isinstance(grid, Grid)
        heard = heard_on_frames(tracks[SOUND], grid, count) if SOUND in self.parts else None
        valid = np.ones(count, np.bool_)
        sound = None
        if heard is not None:
            valid &= heard.valid
            sound = np.where(heard.valid[:, None], heard.values, np.float32(0))
        shown = None
        if picture is not None:
            valid &= picture.valid
            side = self.model.parts.encoder.crop
            crops, seen = picture.values, picture.valid

            def shown(first: int, stop: int) -> npt.NDArray[np.float32]:
                return mouth_pictures(crops[first:stop], side, seen[first:stop])

        values = np.zeros((count, self.model.parts.encoder.width), np.float32)
        for kept, rows in encode_windows(
            self.model.encoder, sound, shown, count, self.options.layer, self.windows
        ):
            values[kept.start : kept.stop] = rows
        made = Track(values, grid, valid, name=self.name, support="whole", context=self.context)
        return self.placed(made, made.start)


def mouth_spec(model: AVRecognizer) -> str:
    """The feature of the crops that a model was trained on, as its facts say."""
    said = model.facts.get("mouth")
    return said if isinstance(said, str) and said.startswith("mouth") else _OWN_MOUTH
