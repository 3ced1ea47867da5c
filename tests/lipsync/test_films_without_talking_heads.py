"""Twenty-two made films of things that do not talk: none of them gets an offset in its headline.

Of 22 ordinary films without talking heads ten got one, eight of them likelier wrong than right. The films are those of
benchmarks/sync_no_talk.py, which prints what is said of each.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from genlock.lipsync.summary import is_known
from genlock.tasks.sync_video import sync_video

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("genlock_no_talk", BENCHMARKS / "_films_without_talk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MADE = _made()


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", range(len(MADE.FILMS)), ids=[picture.__name__ for picture, _ in MADE.FILMS]
)
def test_a_film_in_which_nobody_talks_gets_no_offset(number: int, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    MADE.write_film(number, film)
    result = sync_video(film)
    assert not is_known(result.measurement), str(result)
    assert result.sentence.startswith("unknown: ")
    assert {verdict.result for verdict in result.verdicts} == {"cannot tell"}


def test_there_are_more_than_twenty_of_them() -> None:
    assert len({picture for picture, _ in MADE.FILMS}) == len(MADE.FILMS) == 22
