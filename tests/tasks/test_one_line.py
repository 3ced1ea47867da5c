"""The repr of every public result is one line, whatever it holds."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

import genlock
from genlock.core.one_line import LONGEST, one_line
from genlock.lipsync.evidence.collect import gather
from genlock.synth.card.film import CardOptions, render_card
from genlock.testing import example_video

#: Rooms whose results have ``to_dict()``.
ROOMS = ("tasks", "media", "speech", "lipsync", "synth", "bench", "report")
#: What people meet most says what was found instead of its fields.
TOLD = {"Alignment", "MediaInfo", "SyncResult", "Words"}
#: What is small already says all of itself.
SMALL = {"Figure", "Contact", "Note", "Confidence", "ReadOptions"}


def results(value: Any, seen: set[int]) -> Iterator[Any]:
    """Every dataclass within a result, itself included."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if is_dataclass(value):
        yield value
        for field in fields(value):
            yield from results(getattr(value, field.name), seen)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from results(one, seen)
    elif isinstance(value, (tuple, list)):
        for one in value[:20]:
            yield from results(one, seen)


@pytest.fixture(scope="module")
def found() -> list[Any]:
    """What the public functions answer."""
    film = str(example_video())
    card, _, _ = render_card(
        CardOptions(width=160, height=90, duration_seconds=2, lines=(), flashes=("0.5",))
    )
    clip = genlock.align(film, feature="mel,energy")
    return [
        clip,
        genlock.probe(film),
        genlock.features(film, "mel"),
        genlock.words(film),
        genlock.sync(film),
        genlock.read_audio(film),
        gather(film, faces=None),
        card,
        clip.frames,
        genlock.Spans([genlock.core.Span(k, k + 1, "x" * 30) for k in range(99)]),
    ]


def test_every_result_is_one_line(found: list[Any]) -> None:
    seen: set[int] = set()
    told = [(type(one).__name__, repr(one)) for one in results(found, seen)]
    assert len({name for name, _ in told}) >= 15
    for name, text in told:
        assert "\n" not in text, name
        assert len(text) <= LONGEST, (name, len(text))


def test_the_line_says_what_is_in_it(found: list[Any]) -> None:
    assert repr(found[0]) == "Alignment(example.mp4: 2.0 s, 0 words, 2 tracks, offset unknown)"
    assert "float32[" in repr(found[2]["mel"])


def test_no_result_was_forgotten() -> None:
    for room in ROOMS:
        package = importlib.import_module(f"genlock.{room}")
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for name, kind in vars(module).items():
                own = isinstance(kind, type) and kind.__module__ == module.__name__ and is_dataclass(kind)
                if (
                    own
                    and hasattr(kind, "to_dict")
                    and name not in SMALL | TOLD
                    and not name.endswith("Options")
                ):
                    assert kind.__repr__ is one_line, f"{module.__name__}.{name} says __repr__ = one_line"
