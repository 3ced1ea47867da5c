"""While the film plays: the coded click is heard as the frame with its number is shown, within one frame.

Sound is taken at the output of the page, with the instant at which each block is played; pictures are read off their
blocks as the browser says that they are shown. A machine that is busy shows frames late, so this is a slow test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.report.browser import chromium
from tests.report.clips import BITS, HEIGHT, WIDTH, Clip, planted

from .browser_steps import open_screen, until
from .conftest import Served

FILMS: dict[str, dict[str, Any]] = {
    "plain.mp4": {"count": 250},
    "film.mkv": {"rate": "24000/1001", "start": "0.25", "count": 240},
    "ntsc.mp4": {"rate": "30000/1001", "sound_start": "0.3", "count": 300},
    "fifty.mp4": {"rate": "50", "count": 400},
}

#: Frames with their number as they are shown, and beeps as they are heard, both on the clock of the page, in ms.
WATCH = """
const [columns, width, height] = arguments;
window.shown = []; window.heard = []; window.clocks = [];
const video = document.getElementById("video");
const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [width, height];
const ctx = canvas.getContext("2d", { willReadFrequently: true });
const look = (_, info) => {
  ctx.drawImage(video, 0, 0, width, height);
  const grey = (y) => { const row = ctx.getImageData(0, y, width, 1).data; return columns.map((x) => row[4 * x + 1]); };
  const [above, below] = [grey(40), grey(80)];
  const number = above.reduce((sum, value, bit) => sum + (value > below[bit] ? 2 ** bit : 0), 0);
  window.shown.push([number, info.expectedDisplayTime, info.mediaTime]);
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
window.listenTo = (context, source) => {
  const tap = context.createScriptProcessor(256, 1, 1);
  let quiet = 1000;
  tap.onaudioprocess = (event) => {
    const samples = event.inputBuffer.getChannelData(0);
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    window.clocks.push(performanceTime / 1000 - contextTime);
    const first = samples.findIndex((x) => Math.abs(x) > 0.25);
    if (first >= 0 && quiet > 20) {
      // The block goes out at playbackTime, two blocks after it came in.
      window.heard.push(event.playbackTime + (first - 2 * 256) / context.sampleRate);
    }
    quiet = first >= 0 ? 0 : quiet + 1;
  };
  source.connect(tap);
  tap.connect(context.destination);
};
"""

FROM_THE_FILM = """
const context = new AudioContext();
window.listenTo(context, context.createMediaElementSource(document.getElementById("video")));
return context.resume();
"""

FROM_THE_SHIFT = """
const { connect } = AudioNode.prototype;
const inputs = new Map();
AudioNode.prototype.connect = function (target, ...rest) {
  if (!(this instanceof AudioBufferSourceNode)) return connect.call(this, target, ...rest);
  if (!inputs.has(this.context)) {
    const gate = this.context.createGain();
    inputs.set(this.context, gate);
    window.listenTo(this.context, gate);
  }
  return connect.call(this, inputs.get(this.context));
};
window.studio.screen.shift.set(true, arguments[0]);
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    folder = tmp_path_factory.mktemp("films")
    return {name: planted(folder / name, **how) for name, how in FILMS.items()}


@pytest.fixture(scope="module")
def studio(serve: Callable[..., Served], films: dict[str, Clip]) -> Served:
    return serve(films["plain.mp4"].path.parent)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.slow
@pytest.mark.parametrize("shift_frames", [None, 6])
@pytest.mark.parametrize("name", list(FILMS))
def test_a_click_is_heard_within_a_frame_of_its_picture(
    name: str, shift_frames: int | None, driver: Any, studio: Served, films: dict[str, Clip]
) -> None:
    clip = films[name]
    period = float(clip.cells.edge(1) - clip.cells.edge(0))
    open_screen(driver, studio, "timeline", name)
    driver.execute_script(WATCH, [round((bit + 0.5) * (WIDTH // BITS)) for bit in range(BITS)], WIDTH, HEIGHT)
    if shift_frames is None:
        driver.execute_script(FROM_THE_FILM)
    else:
        driver.execute_script(FROM_THE_SHIFT, shift_frames * period)
    driver.execute_script("window.studio.screen.player.play()")
    until(driver, "return window.heard.length && !window.studio.playing()", "it was played to its end")
    shown, heard, clocks = driver.execute_script("return [window.shown, window.heard, window.clocks]")
    shown = [each for each in shown if 0 < each[0] < clip.count]
    # On the clock of the page: when the picture of an instant was on the screen, and when its sound went out.
    edges = np.array([float(clip.cells.edge(int(number))) for number, *_ in shown])
    seen_after = np.array([display / 1000 for _, display, _ in shown]) - edges
    beeps = np.array([float(clip.cells.edge(k)) for k in clip.flashes]) + (shift_frames or 0) * period
    late = []
    for instant in np.array(heard) + np.median(clocks):
        near = np.argsort(np.abs(edges + seen_after - instant))[:25]
        media = instant - float(np.median(seen_after[near]))
        late.append(min((media - beeps).tolist(), key=abs) / period)
    apart = np.array(late)
    print(
        f"{name}, shift {shift_frames}: {len(apart)} clicks, sound behind picture by {np.median(apart):+.2f} "
        f"frames in the median, {apart.min():+.2f} to {apart.max():+.2f}; {len(shown)} of {clip.count} frames seen"
    )
    # The film's own sound is tapped behind a buffer of Chromium's, about 30 ms, that nobody hears otherwise.
    tap = 0.04 / period if shift_frames is None else 0.0
    assert abs(np.median(apart)) <= 1 + tap
