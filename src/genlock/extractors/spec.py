"""What a feature is called, everywhere: ``name[:preset][#part][@rate][/size]``.

``mel:kaldi``, ``mouth/96``, ``frames@21.5/340x256``, ``ssl:models/hubert#9``, ``mel:kaldi@25``. `features`, `align` and
`prepare` read the same words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

from genlock.core.errors import OptionError
from genlock.core.time import exact_rate, fraction_text

__all__ = ["FeatureSpec", "file_stem", "parse_features"]

# The variant may be a path or an import path: only numbers at the very end are a rate and a size.
_FORM = re.compile(
    r"(?P<name>[^:#@/\s]+)(?P<colon>:(?P<variant>.*?))?(#(?P<part>[-A-Za-z0-9+.]+))?"
    r"(@(?P<rate>\d[\d.]*(:\d+)?))?(/(?P<width>\d+)(x(?P<height>\d+))?)?"
)
_WEIGHTS = (".safetensors", ".pth", ".pt", ".npz", ".npy")


@dataclass(frozen=True)
class FeatureSpec:
    """One feature, as it is asked for.

    >>> FeatureSpec.parse("frames@21.5/340x256")
    FeatureSpec(name='frames', variant='', part='', rate=Fraction(43, 2), size=(340, 256))
    >>> spec = FeatureSpec.parse("ssl:models/hubert#9")
    >>> spec.variant, spec.part, spec.kind
    ('models/hubert', '9', 'ssl-hubert-9')
    """

    name: str
    """The registered name, such as ``mel``."""
    variant: str = ""
    """What follows the colon: a preset, a file or folder of weights, an import path."""
    part: str = ""
    """What follows ``#``: the layer of a network, and how long its chunks are."""
    rate: Fraction | None = None
    """What follows ``@``: values, frames or samples per second, such as 25, 29.97 or 11025:512; None: its own."""
    size: tuple[int, int] | None = None
    """What follows ``/``: width and height in pixels; None: its own."""

    @classmethod
    def parse(cls, text: str) -> FeatureSpec:
        """Read one.

        Raises OptionError if it cannot be understood.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None or match["variant"] == "":
            raise OptionError(
                f"{text.strip()!r} is not NAME[:PRESET][#PART][@RATE][/WIDTHxHEIGHT], such as mel:kaldi or mouth/96"
            )
        rate = None if match["rate"] is None else exact_rate(match["rate"].replace(":", "/"))
        width = None if match["width"] is None else int(match["width"])
        size = None if width is None else (width, int(match["height"] or width))
        return cls(match["name"], match["variant"] or "", match["part"] or "", rate, size)

    @property
    def text(self) -> str:
        """The form that :meth:`parse` reads.

        >>> FeatureSpec.parse("frames@29.97/96").text, FeatureSpec.parse("frames@11025:512").text
        ('frames@29.97/96', 'frames@11025:512')
        """
        return (
            f"{self.name}{f':{self.variant}' if self.variant else ''}{f'#{self.part}' if self.part else ''}"
            f"{f'@{_rate_text(self.rate)}' if self.rate is not None else ''}"
            f"{f'/{_size_text(self.size)}' if self.size is not None else ''}"
        )

    @property
    def kind(self) -> str:
        """The name of its file or folder, without signs that a file system or a shell minds.

        A model's folder is named by its last part, and a file of weights not at all.

        >>> [FeatureSpec.parse(text).kind for text in ("frames@21.5/340x256", "mel:kaldi", "mouth/96")]
        ['frames_21.5fps_340x256', 'mel-kaldi', 'mouth_96']
        >>> FeatureSpec.parse("rgb:regnet:w/bninception.pth@21.5").kind
        'rgb-regnet_21.5fps'
        """
        variant = [PurePath(part).name for part in self.variant.split(":") if not part.endswith(_WEIGHTS)]
        words = ["-".join(word for word in (self.name, *variant, self.part) if word)]
        if self.rate is not None:
            words.append(str(self.rate) if self.name == "sound" else f"{_short(self.rate)}fps")
        if self.size is not None:
            words.append(_size_text(self.size))
        return re.sub(r"[^A-Za-z0-9._-]", "-", "_".join(words))

    def require_only(self, *allowed: str) -> None:
        """Raise OptionError if more is said than a feature takes: ``variant``, ``part``, ``rate``, ``size``."""
        signs = {"variant": ":", "part": "#", "rate": "@", "size": "/"}
        more = [sign for field, sign in signs.items() if getattr(self, field) and field not in allowed]
        if more:
            raise OptionError(f"the feature {self.text!r}: {self.name} takes no {' and no '.join(more)}")


def parse_features(text: str) -> tuple[FeatureSpec, ...]:
    """The features of a comma-separated list, once each.

    >>> [spec.text for spec in parse_features("mel, mouth/48,mel")]
    ['mel', 'mouth/48']

    Raises OptionError for an empty list.
    """
    specs = dict.fromkeys(FeatureSpec.parse(part) for part in text.split(",") if part.strip())
    if not specs:
        raise OptionError(f"--feature {text!r} names no feature; try --feature mel,mfcc,energy,onset")
    return tuple(specs)


def file_stem(name: str) -> str:
    """The name of a Track's file without its ending: the feature's kind, and which face it is of.

    >>> file_stem("mouth/48.face0"), file_stem("mel:kaldi@25")
    ('mouth_48.face0', 'mel-kaldi_25fps')
    """
    feature, face, number = name.rpartition(".face")
    return FeatureSpec.parse(feature or name).kind + (f"{face}{number}" if feature else "")


def _size_text(size: tuple[int, int]) -> str:
    width, height = size
    return f"{width}" if width == height else f"{width}x{height}"


def _rate_text(rate: Fraction) -> str:
    """``21.5``, ``29.97``, and where no short number means it ``11025:512``: a slash begins the size."""
    short = _short(rate)
    return short if exact_rate(short) == rate else fraction_text(rate).replace("/", ":")


def _short(rate: Fraction) -> str:
    return f"{float(rate):.5g}"
