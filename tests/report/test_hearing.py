"""Sound against picture in the page: heard as it is and repaired, moved by keys, with the command that repairs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.report import make_preview, write_report
from genlock.report.heard_offsets import heard_offsets

from .browser import console, open_report, requests, until
from .clips import Clip
from .contents import content_of
from .test_page import press

MOVE = "genlock sync 'my talk.mp4' --fix 'my talk.repaired.mp4' --by"
COMMAND = "genlock sync 'my talk.mp4' --fix 'my talk.repaired.mp4'"


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may leave an error in the console, or have asked the network for anything."""
    yield
    if "driver" in request.fixturenames:
        driver = request.getfixturevalue("driver")
        assert console(driver) == []
        assert requests(driver) == []


def out_of_step(offset: float, probability: float = 0.97) -> SyncMeasurement:
    within = (offset - 0.01, offset + 0.01)
    return SyncMeasurement(Estimate(offset, within, probability, "flash-beep"), Fraction(1))


@pytest.fixture
def measured(clip: Callable[[str], Clip], tmp_path: Path) -> Callable[[SyncMeasurement], Path]:
    """The page of a clip with flashes and beeps of which something was measured."""

    def get(found: SyncMeasurement) -> Path:
        truth = clip("plain.mp4")
        content = content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), [])
        sync = {"offset_seconds": found.estimate.offset_seconds, "sentence": "the sound is out of step"}
        content = replace(content, sync=sync, measurement=found, repair_command=COMMAND, move_command=MOVE)
        return write_report(tmp_path / "measured.html", content).path

    return get


@pytest.mark.parametrize("offset", [-0.2, 0.13])
def test_repaired_sound_is_heard_where_it_belongs(
    offset: float, driver: Any, measured: Callable[[SyncMeasurement], Path], clip: Callable[[str], Clip]
) -> None:
    """The beep that the file has at f is heard at f + offset: late sound comes earlier, early sound waits."""
    truth = clip("plain.mp4")
    edges = np.array([float(truth.cells.edge(frame)) for frame in truth.flashes]) + offset
    open_report(driver, measured(out_of_step(offset)))
    press(driver, "a")
    driver.execute_script(LISTEN)
    for _ in range(6):
        driver.execute_script("window.heard = []; window.genlock.seek(-10); window.genlock.play()")
        until(
            driver, "return window.heard.length > 2 && !window.genlock.playing()", "it was played to its end"
        )
        heard = driver.execute_script("return window.heard")
        late = [min((t - edges).tolist(), key=abs) for t in heard]
        # The page looks at its clock late on a busy machine, never early; the first beep may come before the two meet.
        if abs(min(late[1:])) < 0.015:
            return
    pytest.fail(f"the beeps were heard {late} s after their places")


# What the second player plays, with the page's clock beside it.
LISTEN = """
window.heard = [];
const context = new AudioContext({ latencyHint: "interactive" });
const tap = context.createScriptProcessor(256, 1, 1);
context.createMediaElementSource(window.genlock.secondPlayer()).connect(tap);
tap.connect(context.destination);
let quiet = 0;
tap.onaudioprocess = (event) => {
  const samples = event.inputBuffer.getChannelData(0);
  const first = samples.findIndex((x) => Math.abs(x) > 0.25);
  const ago = (samples.length - first) / context.sampleRate;
  if (first >= 0 && quiet > 20) window.heard.push(window.genlock.time() - ago);
  quiet = first >= 0 ? 0 : quiet + 1;
};
context.resume();
"""


def test_keys_move_the_sound_by_ten_milliseconds(
    driver: Any, measured: Callable[[SyncMeasurement], Path]
) -> None:
    open_report(driver, measured(out_of_step(-0.2)))
    assert driver.execute_script("return window.genlock.hearing().shifted") is False
    assert text(driver, "sound-moved") == "sound 200 ms earlier"
    assert text(driver, "sync-sentence") == "the sound is out of step"
    for key in ",,.,":
        press(driver, key)
    assert driver.execute_script("return window.genlock.hearing()")["offset"] == pytest.approx(-0.22)
    assert text(driver, "sound-moved") == "sound 220 ms earlier"
    assert text(driver, "repair-text") == f"{MOVE} -220"
    assert driver.execute_script("return window.genlock.hearing().shifted") is True
    assert driver.execute_script("return document.getElementById('video').muted")
    press(driver, "m")
    assert driver.execute_script("return window.genlock.secondPlayer().muted")
    press(driver, "m")
    press(driver, "a")
    assert not driver.execute_script("return document.getElementById('video').muted")
    assert driver.execute_script("return window.genlock.secondPlayer().muted")


def test_the_command_is_there_to_be_copied(driver: Any, measured: Callable[[SyncMeasurement], Path]) -> None:
    open_report(driver, measured(out_of_step(-0.2)))
    driver.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    driver.execute_script("document.querySelector('#repair button').click()")
    assert until(driver, "return window.copied", "it was copied") == COMMAND


def test_where_nothing_can_be_repaired_the_page_says_so(
    driver: Any, clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    truth = clip("plain.mp4")
    content = content_of(truth.path, make_preview(truth.path, tmp_path / "p.mp4"), [])
    content = replace(content, sync={"offset_seconds": None}, measurement=out_of_step(0.2, 0.3))
    content = replace(content, move_command="genlock sync a.mp4 --fix b.mp4 --by")
    open_report(driver, write_report(tmp_path / "unsure.html", content).path)
    assert text(driver, "sync-advice").startswith("too unsure to repair")
    assert driver.execute_script("return document.getElementById('repair').hidden")
    assert text(driver, "hear-shifted") == "Moved"
    assert text(driver, "sound-moved") == "sound not moved"
    # What a person has heard can be written all the same.
    for key in ",,":
        press(driver, key)
    assert text(driver, "repair-text") == "genlock sync a.mp4 --fix b.mp4 --by -20"
    press(driver, ".")
    press(driver, ".")
    assert driver.execute_script("return document.getElementById('repair').hidden")


def test_what_is_unsure_is_not_heard_repaired() -> None:
    assert heard_offsets(out_of_step(-0.2, 0.3))["offset"] is None


def test_what_jumps_and_what_drifts_is_heard_as_it_was_measured_there(
    driver: Any, measured: Callable[[SyncMeasurement], Path]
) -> None:
    first = Segment(Fraction(0), Fraction(1), 0.1, (0.09, 0.11), 0.99)
    second = Segment(Fraction(1), Fraction(3), -0.3, (-0.31, -0.29), 0.99)
    jumps = replace(out_of_step(0.1), segments=(first, second))
    drifts = replace(out_of_step(0.1), drift_ppm=10_000.0, drift_interval_ppm=(9_000.0, 11_000.0))
    for found, early, late in ((jumps, 0.1, -0.3), (drifts, 0.095, 0.11)):
        open_report(driver, measured(found))
        for instant, offset in ((0.5, early), (2.0, late)):
            driver.execute_script("window.genlock.seek(arguments[0])", instant)
            heard = driver.execute_script("return window.genlock.hearing().offset")
            assert heard == pytest.approx(offset)
        assert "as measured" in text(driver, "sound-moved")


def text(driver: Any, name: str) -> str:
    said: str = driver.execute_script("return document.getElementById(arguments[0]).textContent", name)
    return said
