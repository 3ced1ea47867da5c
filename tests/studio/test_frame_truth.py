"""The frame that stands on the screen is the frame that is said: read off its blocks, in a real browser.

Where the browser decodes the film, it does; elsewhere the server's pictures stand there. Both are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.report.browser import chromium, console
from tests.report.clips import VARIABLE_PTS, Clip, planted

from .browser_steps import frames_at, open_screen
from .conftest import Served

#: Films of the issue: rates, a variable one, start offsets, B-frames (x264's default has them), and who decodes them.
FILMS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain.mp4": ("browser", {"count": 100}),
    "film.mkv": ("browser", {"rate": "24000/1001", "start": "0.25", "count": 100}),
    "film.mp4": ("browser", {"rate": "24000/1001", "sound_start": "0.1", "count": 100}),
    "ntsc.mp4": ("browser", {"rate": "30000/1001", "sound_start": "0.3", "count": 120}),
    "late.mov": ("browser", {"rate": "30000/1001", "start": "0.5", "count": 120}),
    "fifty.mp4": ("browser", {"rate": "50", "count": 150}),
    "fifty.ts": ("browser", {"rate": "50", "count": 150, "start": "1"}),
    "variable.mp4": ("browser", {"pts": VARIABLE_PTS, "sound_start": "0.01"}),
    "variable.mkv": ("browser", {"pts": VARIABLE_PTS}),
    "vp9.webm": ("browser", {"codec": "libvpx-vp9", "sound_codec": "libopus", "count": 80}),
    "av1.mp4": ("browser", {"codec": "libsvtav1", "rate": "25", "count": 80}),
    "hevc.mp4": ("server", {"codec": "libx265", "count": 80}),
    "old.avi": ("server", {"rate": "15", "codec": "mpeg4", "sound_codec": "pcm_s16le", "count": 80}),
}
FEW = ("variable.mp4", "old.avi")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Clip]:
    folder, made = tmp_path_factory.mktemp("films"), {}

    def film(name: str) -> Clip:
        if name not in made:
            made[name] = planted(folder / name, **FILMS[name][1])
        return made[name]

    film(FEW[0])
    return film


@pytest.fixture(scope="module")
def studio(serve: Callable[..., Served], films: Callable[[str], Clip]) -> Served:
    return serve(films(FEW[0]).path.parent)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.set_script_timeout(600)
        yield browser


def look(driver: Any, studio: Served, clip: Clip, count: int, seed: int) -> Counter[str]:
    """Seek to so many instants, and some steps on and back; who decoded the frames, as counts."""
    open_screen(driver, studio, "timeline", clip.path.name)
    rng = np.random.default_rng(seed)
    steps = max(2, count // 5)
    middle = clip.count // 2
    walk = [*range(middle, middle + steps // 2), *range(middle + steps // 2, middle, -1)][:steps]
    chosen = [0, clip.count - 1, *rng.integers(0, clip.count, count - 2 - len(walk)).tolist(), *walk]
    found = frames_at(driver, [(k, rng.uniform(0.001, 0.999)) for k in chosen])
    wrong = [(k, *answer) for k, answer in zip(chosen, found, strict=True) if answer[:3] != (k, k, k)]
    assert wrong == [], f"{len(wrong)} of {count}"
    assert console(driver) == []
    return Counter(answer[3] for answer in found)


@pytest.mark.parametrize("name", FEW)
def test_the_frame_that_stands_is_the_frame_that_is_said(
    name: str, driver: Any, studio: Served, films: Callable[[str], Clip]
) -> None:
    assert look(driver, studio, films(name), 8, 16) == {FILMS[name][0]: 8}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FILMS))
def test_of_a_thousand_seeks_none_shows_another_frame(
    name: str, driver: Any, studio: Served, films: Callable[[str], Clip]
) -> None:
    """Eighty on each of thirteen films."""
    by = look(driver, studio, films(name), 80, 1000)
    print(f"{name}: 80 seeks, 0 wrong, decoded by {dict(by)}")
    assert by == {FILMS[name][0]: 80}
