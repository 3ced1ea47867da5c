"""What a dataset shall hold, said in short: ``mel:specvqgan``, ``frames@21.5/340x256``, ``mouth/96``.

Every feature, in the grammar of :mod:`genlock.extractors.spec`, and what only a dataset can hold: films, and columns of
its index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

from genlock.core.errors import OptionError
from genlock.core.plugins import plugin_names
from genlock.extractors.registry import FILE_FORMS, GROUP, extractor_specs, feature_class
from genlock.extractors.sound.ssl import with_layer
from genlock.extractors.spec import FeatureSpec

__all__ = ["SOURCE_KINDS", "Wanted", "parse_outputs"]

#: What is said of a whole source: nothing is saved, the index tells it.
SOURCE_KINDS = ("offset", "words")
#: What is called otherwise as a folder than as a feature.
_KINDS: Mapping[str, str] = MappingProxyType({"landmarks:lips": "lips", "mouth:shape": "mouth_shape"})


@dataclass(frozen=True)
class Wanted(FeatureSpec):
    """One kind of output.

    >>> Wanted.parse("mfcc:kaldi").text, Wanted.parse("mouth").kind, Wanted.parse("video@25/96").kind
    ('mfcc', 'mouth_96', 'video_25fps_96')
    """

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one.

        Raises OptionError if it cannot be understood; the message says what there is.
        """
        wanted = cls(**vars(FeatureSpec.parse(text)))
        if wanted.name in SOURCE_KINDS:
            wanted.require_only()
        elif wanted.name in FILE_FORMS:
            wanted.require_only("rate", "size")
        elif wanted.name not in plugin_names(GROUP):
            known = ", ".join((*extractor_specs(), *FILE_FORMS))
            raise OptionError(f"there is no output {text.strip()!r}; there are: {known}")
        else:
            feature_class(wanted).check(wanted)
        return wanted._plain()

    def _plain(self) -> Self:
        """A default preset goes without its name (``mfcc:kaldi`` is ``mfcc``), a mouth has a size."""
        presets = () if self.name in FILE_FORMS else tuple(feature_class(self).presets)
        plain = replace(self, variant="") if presets and self.variant == presets[0] else self
        return replace(plain, size=(96, 96)) if plain == type(self)("mouth", rate=plain.rate) else plain

    @property
    def text(self) -> str:
        """The form that :meth:`parse` reads, with both sides of a size."""
        size = "" if self.size is None else f"/{self.size[0]}x{self.size[1]}"
        return FeatureSpec(self.name, self.variant, self.part, self.rate).text + size

    @property
    def weights(self) -> str | None:
        """The file or folder of weights, or the model, that it names; None where it names none."""
        return None if self.name in FILE_FORMS else feature_class(self).weights_of(self)

    def with_layer(self, layer: str | None) -> Self:
        """The same; of ``ssl`` with this layer where it names none."""
        return replace(self, part=with_layer(self, layer, None).part)

    @property
    def kind(self) -> str:
        """The folder's name: without signs that a file system or a shell minds."""
        return _KINDS.get(self.text) or super().kind


def parse_outputs(text: str) -> tuple[Wanted, ...]:
    """The outputs of a comma-separated list, once each.

    Raises OptionError for an empty list, or two outputs that would lie in one folder.
    """
    wanted = list(dict.fromkeys(Wanted.parse(part) for part in text.split(",") if part.strip()))
    if not wanted:
        raise OptionError(f"--outputs {text!r} names no output; try --outputs sound@16000,mel,mouth/96")
    kinds = [one.kind for one in wanted]
    twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
    if twice:
        raise OptionError(f"--outputs {text!r}: two outputs would lie in the folder {twice[0]!r}")
    return tuple(wanted)
