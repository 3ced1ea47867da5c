"""What a dataset shall hold, said in short: ``mel:specvqgan``, ``frames@21.5/340x256``, ``mouth/96``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from genlock.core.errors import OptionError
from genlock.core.time import exact_rate, fraction_text
from genlock.extractors import extractor_specs

__all__ = ["PICTURE_KINDS", "SOURCE_KINDS", "Wanted", "parse_outputs"]

#: What is said of a whole source: nothing is saved, the index tells it.
SOURCE_KINDS = ("offset", "words")
#: What can be made of the picture.
PICTURE_KINDS = ("video", "frames", "landmarks", "mouth", "flow", "flow-features", "rgb")
# Outputs of faces and their variants.
_FACES = {"landmarks": ("", "upright"), "mouth": ("",)}
_FORM = re.compile(r"(?P<name>[^@/]+)(@(?P<rate>[^/]+))?(/(?P<width>\d+)(x(?P<height>\d+))?)?")


@dataclass(frozen=True)
class Wanted:
    """One kind of output.

    >>> Wanted.parse("frames@21.5/340x256")
    Wanted(name='frames', variant='', rate=Fraction(43, 2), size=(340, 256))
    >>> Wanted.parse("frames@21.5/340x256").kind, Wanted.parse("mel:kaldi").kind, Wanted.parse("mouth/96").kind
    ('frames_21.5fps_340x256', 'mel-kaldi', 'mouth_96')
    """

    name: str
    """``sound``, the name of a sound feature, or one of :data:`PICTURE_KINDS`."""
    variant: str = ""
    """What follows a colon: a preset, a method of flow, a network."""
    rate: Fraction | None = None
    """What follows ``@``: samples or frames per second, such as 25, 29.97 or 11025:512; None: as the source has it."""
    size: tuple[int, int] | None = None
    """What follows ``/``: width and height in pixels; None: as the source has them."""

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Read one.

        Raises OptionError if it cannot be understood; the message says what there is.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise OptionError(f"the output {text!r} is not NAME[:VARIANT][@RATE][/WIDTHxHEIGHT]")
        name, _, variant = match["name"].partition(":")
        rate = None if match["rate"] is None else exact_rate(match["rate"].replace(":", "/"))
        width = None if match["width"] is None else int(match["width"])
        size = None if width is None else (width, int(match["height"] or width))
        wanted = cls(name, variant, rate, size)
        wanted._check(text)
        return wanted._plain()

    def _plain(self) -> Wanted:
        """A sound feature's default preset goes without its name: ``mfcc:kaldi`` is ``mfcc``."""
        specs = extractor_specs()
        if not self.variant or self.name not in specs:
            return self
        default = specs[specs.index(self.name) + 1]
        return replace(self, variant="") if default == f"{self.name}:{self.variant}" else self

    def _check(self, text: str) -> None:
        spec = f"{self.name}:{self.variant}" if self.variant else self.name
        if self.name == "sound":
            if self.rate is None or self.rate.denominator != 1 or self.size or self.variant:
                raise OptionError(f"the output {text!r}: say sound@16000, with whole samples per second")
        elif self.name in PICTURE_KINDS:
            if self.name in _FACES and self.rate:
                raise OptionError(f"the output {text!r}: faces are taken on the source's own frames")
            if self.name in _FACES and self.variant not in _FACES[self.name]:
                raise OptionError(
                    f"the output {text!r}: there are landmarks, landmarks:upright and mouth/SIDE"
                )
            if self.name == "flow-features" and self.size:
                raise OptionError(
                    f"the output {text!r}: its network says how large its pictures are; leave out /"
                )
            if self.name in ("flow", "flow-features") and self.variant not in (
                "",
                "dis",
                "farneback",
                "tvl1",
            ):
                raise OptionError(f"the output {text!r}: flow is dis, farneback or tvl1")
        elif self.name in SOURCE_KINDS:
            if self.rate or self.size or self.variant:
                raise OptionError(f"the output {text!r}: say {self.name} alone")
        elif spec not in extractor_specs():
            known = ", ".join(("sound@RATE", *PICTURE_KINDS, *SOURCE_KINDS, *extractor_specs()))
            raise OptionError(f"there is no output {text!r}; there are: {known}")
        elif self.rate or self.size:
            raise OptionError(f"the output {text!r}: a sound feature has its own rate; leave out @ and /")

    @property
    def kind(self) -> str:
        """The folder's name: without signs that a file system or a shell minds."""
        parts = [self.name if not self.variant else f"{self.name}-{self.variant}".replace(":", "-")]
        if self.rate is not None:
            parts.append(str(self.rate) if self.name == "sound" else f"{_short(self.rate)}fps")
        if self.size is not None:
            width, height = self.size
            parts.append(f"{width}" if width == height else f"{width}x{height}")
        return re.sub(r"[^A-Za-z0-9._-]", "-", "_".join(parts))

    @property
    def text(self) -> str:
        """The form that :meth:`parse` reads.

        >>> Wanted.parse("frames@29.97/96").text, Wanted.parse("frames@11025:512").text
        ('frames@29.97/96x96', 'frames@11025:512')
        """
        return (
            self.name
            + (f":{self.variant}" if self.variant else "")
            + (f"@{_rate_text(self.rate)}" if self.rate is not None else "")
            + (f"/{self.size[0]}x{self.size[1]}" if self.size is not None else "")
        )


def _rate_text(rate: Fraction) -> str:
    """``21.5``, ``29.97``, and where no short number means it ``11025:512``: a slash begins the size."""
    short = _short(rate)
    return short if exact_rate(short) == rate else fraction_text(rate).replace("/", ":")


def _short(rate: Fraction) -> str:
    """``21.5``, ``29.97``: for names of folders only."""
    return f"{float(rate):.5g}"


def parse_outputs(text: str) -> tuple[Wanted, ...]:
    """The outputs of a comma-separated list, once each.

    Raises OptionError for an empty list, or two outputs that would lie in one folder.
    """
    wanted: Sequence[Wanted] = list(
        dict.fromkeys(Wanted.parse(part) for part in text.split(",") if part.strip())
    )
    if not wanted:
        raise OptionError(f"--outputs {text!r} names no output; try --outputs sound@16000,mel,mouth/96")
    kinds = [one.kind for one in wanted]
    twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
    if twice:
        raise OptionError(f"--outputs {text!r}: two outputs would lie in the folder {twice[0]!r}")
    if sum(one.name == "mouth" for one in wanted) > 1:
        raise OptionError(f"--outputs {text!r}: mouth crops of one size only")
    return tuple(wanted)
