"""Clips, reports and one browser for all tests of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock.report import PreviewOptions, make_preview, write_report

from .browser import chromium
from .clips import VARIABLE_PTS, Clip, planted
from .contents import content_of, word

#: What each planted clip is: how it is made, and whether its streams can be copied.
CLIPS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "ntsc.mp4": {"rate": "30000/1001", "sound_start": "0.3"},
    "late_sound.mp4": {"sound_start": "0.7"},
    "late_picture.mkv": {"start": "0.5", "sound_start": "0.2"},
    "variable.mp4": {"pts": VARIABLE_PTS, "sound_start": "0.01"},
    "ntsc.mkv": {"rate": "24000/1001", "start": "0.25"},
    "old.avi": {"rate": "15", "codec": "mpeg4", "sound_codec": "pcm_s16le", "sample_rate": 44100},
}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Clip]:
    """A planted clip by name, made once."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[str, Clip] = {}

    def get(name: str) -> Clip:
        if name not in made:
            made[name] = planted(folder / name, **CLIPS[name])
        return made[name]

    return get


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, clip: Callable[[str], Clip]) -> Callable[..., Path]:
    """The page of a planted clip: a word for each flash, from the flash's frame for ten frames."""
    folder = tmp_path_factory.mktemp("reports")

    def get(name: str, encode: bool = False) -> Path:
        page = folder / f"{name}-{'encoded' if encode else 'copied'}.html"
        if not page.exists():
            truth = clip(name)
            options = PreviewOptions(copy=not encode)
            preview = make_preview(truth.path, page.with_suffix(".mp4"), options)
            words = [
                word(
                    f"flash{n}", float(truth.cells.edge(k)), float(truth.cells.edge(min(k + 10, truth.count)))
                )
                for n, k in enumerate(truth.flashes)
            ]
            words.insert(1, word("lost", None, None, reason="nothing in the sound fits it"))
            write_report(page, content_of(truth.path, preview, words))
        return page

    return get


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for the tests of a file."""
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
