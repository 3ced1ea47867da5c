"""The page in a real browser: the picture in step with the timeline, words played from start to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.report import ReportContent, make_preview, write_report

from .browser import console, frame_pixels, open_report, requests, resize, scheme, screenshot, settled, until
from .clips import Clip, planted, read_barcode
from .conftest import CLIPS
from .contents import content_of, word
from .test_build import hostile_content

# While something plays, note the page's own clock as often as the page can. A busy machine stalls it: how
# long that lasted is noted, too.
RECORD = """
window.seen = []; window.stall = 0;
let last = performance.now();
const note = () => {
  const now = performance.now();
  window.stall = Math.max(window.stall, (now - last) / 1000);
  last = now;
  if (window.genlock.playing()) window.seen.push(window.genlock.time());
  window.recorder = setTimeout(note, 2);
};
note();
"""
STOPPED = "return window.seen.length > 3 && !window.genlock.playing() && !window.genlock.seeking()"


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may leave an error in the console, or have asked the network for anything."""
    yield
    if "driver" in request.fixturenames:
        driver = request.getfixturevalue("driver")
        assert console(driver) == []
        assert requests(driver) == []


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        *((name, False) for name in CLIPS),
        ("plain.mp4", True),
        ("variable.mp4", True),
        ("late_picture.mkv", True),
    ],
)
def test_the_frame_on_screen_is_the_frame_on_the_timeline(
    name: str, encode: bool, driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    truth = clip(name)
    open_report(driver, report(name, encode))
    edges = truth.edges
    rng = np.random.default_rng(7)
    for frame in (0, truth.count - 1, *rng.integers(1, truth.count - 1, 2).tolist()):
        # Anywhere in the cell, also a hair inside its edges.
        low, high = edges[frame], edges[frame + 1]
        for share in (1e-6, rng.uniform(0.05, 0.95), 1 - 1e-6):
            driver.execute_script("window.genlock.seek(arguments[0])", low + share * (high - low))
            settled(driver)
            assert read_barcode(frame_pixels(driver)) == frame
            assert driver.execute_script("return window.genlock.frame()") == frame


@pytest.mark.parametrize("name", ["plain.mp4", "ntsc.mp4", "late_picture.mkv", "variable.mp4"])
def test_arrow_keys_step_by_one_frame(
    name: str, driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    open_report(driver, report(name))
    driver.execute_script("window.genlock.seekFrame(5)")
    settled(driver)
    for key, change in (("→", 1), ("→", 1), ("→", 1), ("←", -1), ("→", 1)):
        before = driver.execute_script("return window.genlock.frame()")
        press(driver, key)
        settled(driver)
        assert driver.execute_script("return window.genlock.frame()") == before + change
        assert read_barcode(frame_pixels(driver)) == before + change
    press(driver, "end")
    settled(driver)
    assert driver.execute_script("return window.genlock.frame()") == clip(name).count - 1


@pytest.mark.parametrize("name", ["plain.mp4", "ntsc.mp4", "late_picture.mkv"])
def test_while_playing_the_frame_on_screen_is_the_one_that_is_said(
    name: str, driver: Any, report: Callable[..., Path]
) -> None:
    open_report(driver, report(name))
    driver.execute_script(
        """
        const video = document.getElementById("video");
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [320, 180];
        const ctx = canvas.getContext("2d", { willReadFrequently: true });
        window.pairs = [];
        const look = () => {
          ctx.drawImage(video, 0, 0, 320, 180);
          const said = window.genlock.frame();
          const column = (y) => Array.from(
            { length: 12 }, (_, b) => ctx.getImageData(b * 26 + 13, y, 1, 1).data[0]);
          const [above, below] = [column(40), column(80)];
          let number = 0;
          above.forEach((value, bit) => { if (value > below[bit]) number |= 1 << bit; });
          if (window.genlock.playing()) window.pairs.push([number, said]);
          video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
        window.genlock.seekFrame(2);
        """
    )
    settled(driver)
    press(driver, " ")
    until(driver, "return window.pairs.length > 12", "a dozen frames were shown")
    press(driver, " ")
    pairs = np.array(driver.execute_script("return window.pairs"), dtype=float)
    off = pairs[:, 0] - pairs[:, 1]
    # A busy machine may show a frame late; it must never be said wrongly for long.
    assert np.median(off) == 0
    assert np.mean(np.abs(off) <= 1) > 0.9
    settled(driver)
    assert read_barcode(frame_pixels(driver)) == driver.execute_script("return window.genlock.frame()")


@pytest.mark.parametrize("name", ["plain.mp4", "late_sound.mp4", "late_picture.mkv", "variable.mp4"])
def test_a_word_plays_from_its_start_to_its_end(
    name: str, driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    truth = clip(name)
    open_report(driver, report(name))
    number = 2
    start = float(truth.cells.edge(truth.flashes[number]))
    end = float(truth.cells.edge(truth.flashes[number] + 10))
    driver.execute_script(RECORD)
    # The text has one more word, which has no times, after the first.
    driver.execute_script("document.querySelectorAll('#flow .w')[arguments[0]].click()", number + 1)
    until(driver, STOPPED, "the word ended")
    seen, stall = driver.execute_script("clearTimeout(window.recorder); return [window.seen, window.stall]")
    frame = 0.042
    assert start - 1e-6 <= min(seen) <= start + frame + stall
    assert end - frame - stall <= max(seen) <= end + frame + stall
    assert driver.execute_script("return window.genlock.time()") == pytest.approx(end, abs=0.002)


def test_a_word_that_loops_begins_again(
    driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    truth = clip("plain.mp4")
    open_report(driver, report("plain.mp4"))
    driver.execute_script("document.getElementById('loop').click()")
    driver.execute_script(RECORD + "window.genlock.playWord(1);")
    until(
        driver,
        "return window.seen.some((t, i) => i && t < window.seen[i - 1] - 0.2)",
        "the word begins again",
    )
    press(driver, " ")
    seen, stall = driver.execute_script("return [window.seen, window.stall]")
    start, end = (float(truth.cells.edge(truth.flashes[1] + k)) for k in (0, 10))
    assert min(seen) >= start - 1e-3
    assert max(seen) <= end + 0.042 + stall


@pytest.mark.parametrize(
    ("name", "encode"), [("plain.mp4", False), ("plain.mp4", True), ("late_picture.mkv", False)]
)
def test_sound_and_picture_play_in_step(
    name: str, encode: bool, driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    """The browser's own sound: a beep is heard as its flash's frame begins; a lost encoder delay is 21 ms."""
    edges = np.array([float(clip(name).cells.edge(frame)) for frame in clip(name).flashes])
    open_report(driver, report(name, encode))
    driver.execute_script(LISTEN)
    until(driver, "return window.listening", "the sound can be heard by the page")
    for _ in range(4):
        driver.execute_script("window.heard = []; window.genlock.seek(-10); window.genlock.play()")
        until(driver, "return window.heard.length && !window.genlock.playing()", "it was played to its end")
        late = [min((t - edges).tolist(), key=abs) for t in driver.execute_script("return window.heard")]
        # A busy machine looks at its clock late, never early: the best beep counts, and another try is fair.
        if abs(min(late)) < 0.015:
            return
    pytest.fail(f"the beeps were heard {late} s after their flashes")


# The samples that the video element plays, with the page's clock beside them. A block is handed over when it
# is due, so that the clock as it is read there belongs to the block's end.
LISTEN = """
window.heard = []; window.listening = false;
const context = new AudioContext({ latencyHint: "interactive" });
const node = context.createMediaElementSource(document.getElementById("video"));
const tap = context.createScriptProcessor(256, 1, 1);
let quiet = 0;
tap.onaudioprocess = (event) => {
  window.listening = true;
  const samples = event.inputBuffer.getChannelData(0);
  const first = samples.findIndex((x) => Math.abs(x) > 0.25);
  if (first >= 0 && quiet > 20) {
    window.heard.push(window.genlock.time() - (samples.length - first) / context.sampleRate);
  }
  quiet = first >= 0 ? 0 : quiet + 1;
};
node.connect(tap); tap.connect(context.destination);
context.resume();
"""


def test_keys_select_zoom_and_mute(
    driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    open_report(driver, report("plain.mp4"))
    whole = driver.execute_script("return window.genlock.view()")
    driver.execute_script("window.genlock.seekFrame(20)")
    press(driver, "+")
    near = driver.execute_script("return window.genlock.view()")
    assert near["end"] - near["start"] == pytest.approx((whole["end"] - whole["start"]) / 2)
    assert near["start"] < driver.execute_script("return window.genlock.time()") < near["end"]
    press(driver, "0")
    assert driver.execute_script("return window.genlock.view()") == pytest.approx(whole)
    press(driver, "m")
    assert driver.execute_script("return document.getElementById('video').muted")
    press(driver, "m")
    press(driver, "[")
    until(
        driver,
        "return document.querySelector('#speeds [data-rate=\"0.75\"]').ariaPressed === 'true'",
        "it is slower",
    )
    press(driver, "]")
    # A selection is what is played.
    driver.execute_script("window.genlock.seekFrame(10)")
    press(driver, "i")
    driver.execute_script("window.genlock.seekFrame(16)")
    press(driver, "o")
    driver.execute_script(RECORD)
    press(driver, " ")
    until(driver, STOPPED, "the selection ended")
    seen, stall = driver.execute_script("clearTimeout(window.recorder); return [window.seen, window.stall]")
    edges = clip("plain.mp4").edges
    assert edges[10] <= min(seen)
    assert max(seen) <= edges[17] + 0.042 + stall


def test_the_words_can_be_reached_by_keyboard_alone(driver: Any, report: Callable[..., Path]) -> None:
    open_report(driver, report("plain.mp4"))
    stops = driver.execute_script("return document.querySelectorAll('#flow .w[tabindex=\"0\"]').length")
    assert stops == 1
    driver.execute_script("document.querySelector('#flow .w[tabindex=\"0\"]').focus()")
    press(driver, "→")
    assert driver.execute_script("return document.activeElement.textContent") == "lost"
    assert "nothing in the sound fits it" in driver.execute_script("return document.activeElement.title")
    press(driver, "→")
    assert driver.execute_script("return document.activeElement.textContent") == "flash1"
    unnamed = driver.execute_script(
        "return [...document.querySelectorAll('button, input')].filter("
        "(e) => !(e.textContent.trim() || e.ariaLabel || e.title)).map((e) => e.outerHTML)"
    )
    assert unnamed == []


def test_arrows_step_frames_after_a_click_on_a_word(driver: Any, report: Callable[..., Path]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    open_report(driver, report("plain.mp4"))
    ActionChains(driver).click(driver.find_elements("css selector", "#flow .w")[2]).perform()
    until(driver, "return !window.genlock.playing() && !window.genlock.seeking()", "the word has been heard")
    before = driver.execute_script("return window.genlock.frame()")
    press(driver, "→")
    settled(driver)
    assert driver.execute_script("return window.genlock.frame()") == before + 1


def test_nothing_moves_when_a_word_lights_up(driver: Any, report: Callable[..., Path]) -> None:
    open_report(driver, report("plain.mp4"))
    places = []
    for instant in (0.30, 0.68):  # in a word, and between two of the same line
        driver.execute_script("window.genlock.seek(arguments[0])", instant)
        settled(driver)
        places.append(driver.execute_script(PLACES))
    assert places[0]["lit"] != places[1]["lit"]
    for name in ("caption", "words"):
        np.testing.assert_allclose(places[0][name], places[1][name], atol=0.1)


# Where the words of the text lie, and how large the caption is; which word is lit in it.
PLACES = """
const box = (e) => { const { x, y, width, height } = e.getBoundingClientRect(); return [x, y, width, height]; };
const caption = document.getElementById("caption");
const words = [...document.querySelectorAll("#flow .w")].map(box);
return { words, caption: box(caption), lit: caption.querySelector("b")?.textContent };
"""


def test_labels_stand_beside_the_lanes_on_a_phone_and_no_tile_is_cut(
    driver: Any, report: Callable[..., Path]
) -> None:
    for size in ((390, 844), (1280, 900)):
        resize(driver, size)
        open_report(driver, report("plain.mp4"))
        labels, lanes = (
            driver.execute_script(
                "return document.getElementById(arguments[0]).getBoundingClientRect()", name
            )
            for name in ("labels", "canvases")
        )
        assert labels["right"] <= lanes["left"] + 0.5
        assert driver.execute_script(CUT) == []
    resize(driver, (1440, 1000))


# Tiles and their values that do not show all that they hold.
CUT = """
const wide = document.documentElement.clientWidth;
const cut = (e) => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > wide;
return [...document.querySelectorAll(".facts dd, .facts > div")].filter(cut).map((e) => e.textContent);
"""


def test_clicks_on_the_timeline(
    driver: Any, report: Callable[..., Path], clip: Callable[[str], Clip]
) -> None:
    open_report(driver, report("plain.mp4"))
    edges = clip("plain.mp4").edges
    driver.execute_script("document.getElementById('lanes').scrollIntoView({block: 'center'})")
    click_lane(driver, edges[30] + 0.02, lane=3)  # on the waveform: go there
    settled(driver)
    assert driver.execute_script("return window.genlock.frame()") == 30
    driver.execute_script(RECORD)
    click_lane(driver, edges[20], lane=2)  # on the word of frames 18...27: hear it
    until(driver, STOPPED, "the word ended")
    assert driver.execute_script("return window.genlock.time()") == pytest.approx(edges[28], abs=0.002)


def test_hostile_text_runs_nothing(driver: Any, tmp_path: Path) -> None:
    page = write_report(tmp_path / "hostile </script> name.html", hostile_content()).path
    open_report(driver, page)
    assert driver.execute_script("return document.querySelectorAll('img').length") == 0
    assert "</script>" in driver.execute_script("return document.querySelector('#flow .w').textContent")


def test_a_preview_beside_the_page_plays(
    driver: Any, clip: Callable[[str], Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genlock.report.build.EMBED_UP_TO_BYTES", 10)
    truth = clip("plain.mp4")
    preview = make_preview(truth.path, tmp_path / "preview.mp4")
    report = write_report(tmp_path / "report.html", content_of(truth.path, preview, []))
    assert report.preview == tmp_path / "preview.mp4"
    open_report(driver, report.path)
    assert "preview.mp4" in driver.execute_script("return document.getElementById('banner').textContent")
    driver.execute_script("window.genlock.seekFrame(33)")
    settled(driver)
    assert driver.execute_script("return window.genlock.frame()") == 33


def test_sound_alone_plays(driver: Any, tmp_path: Path) -> None:
    truth = planted(tmp_path / "s.wav", picture=False, sound_codec=None)
    words = [word("one", 0.5, 0.9), word("two", 1.0, 1.2)]
    preview = make_preview(truth.path, tmp_path / "s.mp4")
    open_report(driver, write_report(tmp_path / "s.html", content_of(truth.path, preview, words)).path)
    assert driver.execute_script("return window.genlock.frame()") is None
    driver.execute_script(RECORD + "window.genlock.playWord(1);")
    until(driver, STOPPED, "the word ended")
    assert driver.execute_script("return window.genlock.time()") == pytest.approx(1.2, abs=0.002)
    assert driver.execute_script("return document.getElementById('lyrics').textContent").strip() == "one two"


def test_picture_alone_and_a_page_without_preview(driver: Any, tmp_path: Path) -> None:
    truth = planted(tmp_path / "v.mp4", sound=False, start="0.4")
    preview = make_preview(truth.path, tmp_path / "v.preview.mp4")
    open_report(driver, write_report(tmp_path / "v.html", content_of(truth.path, preview, [])).path)
    driver.execute_script("window.genlock.seekFrame(7)")
    settled(driver)
    assert read_barcode(frame_pixels(driver)) == 7
    assert driver.execute_script("return document.getElementById('mute').disabled")
    still = ReportContent(
        "still", frame_edges=np.arange(26) / 25, words=[word("a", 0.1, 0.3)], preview_reason="disk full"
    )
    open_report(driver, write_report(tmp_path / "n.html", still).path)
    assert "disk full" in driver.execute_script("return document.getElementById('banner').textContent")
    driver.execute_script("window.genlock.playWord(0)")
    assert driver.execute_script("return [window.genlock.frame(), window.genlock.playing()]") == [2, False]
    open_report(driver, write_report(tmp_path / "e.html", ReportContent("empty")).path)


def test_an_hour_opens_and_zooms(driver: Any, tmp_path: Path) -> None:
    open_report(driver, write_report(tmp_path / "hour.html", an_hour()).path)
    driver.execute_script("window.genlock.playWord(4000)")
    time = driver.execute_script("return window.genlock.time()")
    assert time == pytest.approx(1600.0, abs=0.01)
    driver.execute_script("window.genlock.show(arguments[0], arguments[0] + 4)", time - 2)
    screenshot(driver, tmp_path / "hour.png", whole=False)
    assert driver.execute_script("return document.querySelector('#flow .w.now').textContent") == "word4000"


def an_hour() -> ReportContent:
    """An hour of made-up speech at 29.97."""
    rng = np.random.default_rng(0)
    count = 360_000
    loud = np.repeat(rng.uniform(0.05, 1, count // 40), 40).astype(np.float32)
    bands = np.exp(-np.arange(80) / 30).astype(np.float32)
    levels = 10 * np.log10(loud[:, None] * bands + 1e-4) + rng.normal(0, 3, (count, 80)).astype(np.float32)
    wave = loud[:, None] * np.array([-1, 1], np.float32) * rng.uniform(0.3, 1, (count, 2)).astype(np.float32)
    return ReportContent(
        "an hour.mp4",
        frame_edges=Grid("30000/1001").edges(107_892),
        waveform=Track(wave, Grid(100)),
        spectrogram=Track(levels, Grid(100), name="mel", unit="dB"),
        curves=[Track(loud, Grid(100), name="energy")],
        words=[word(f"word{k}", k * 0.4, k * 0.4 + 0.3) for k in range(9000)],
        media={"streams": [{"kind": "video", "rate": "30000/1001", "timecode": "01:00:00;00"}]},
    )


def test_screenshots_show_every_lane(driver: Any, report: Callable[..., Path], repository: Path) -> None:
    """Pictures for people, in build/; what a machine can say of them is that no lane is empty."""
    for name, size, light in (
        ("dark", (1440, 1000), False),
        ("light", (1440, 1000), True),
        ("phone", (390, 844), False),
    ):
        resize(driver, size)
        scheme(driver, light)
        open_report(driver, report("plain.mp4"))
        assert driver.execute_script("return document.documentElement.dataset.theme") == (
            "light" if light else "dark"
        )
        driver.execute_script("window.genlock.seekFrame(19)")
        settled(driver)
        screenshot(driver, repository / "build" / f"report-{name}.png")
        filled = driver.execute_script(LANES)
        assert len(filled) == 7
        assert min(filled) > 0.004, filled
        wide = driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert wide, "the page is wider than its window"
    scheme(driver, light=True)  # while it is open
    until(driver, "return document.documentElement.dataset.theme === 'light'", "it follows")
    scheme(driver, light=False)
    resize(driver, (1440, 1000))


# The share of pixels that are drawn on, in each lane.
LANES = """
const pieces = [...document.querySelectorAll("#base canvas:not([hidden])")];
const ratio = pieces[0].width / pieces[0].clientWidth;
return window.genlock.lanes().map(({ y, height }) => {
  const top = Math.round(y * ratio);
  let [drawn, all] = [0, 0];
  for (const piece of pieces) {
    const { data } = piece.getContext("2d").getImageData(0, top, piece.width, Math.round((height - 2) * ratio));
    for (let k = 3; k < data.length; k += 4) drawn += data[k] > 40;
    all += data.length / 4;
  }
  return drawn / all;
});
"""


def press(driver: Any, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    named = {"→": Keys.ARROW_RIGHT, "←": Keys.ARROW_LEFT, "end": Keys.END, "delete": Keys.DELETE}
    ActionChains(driver).send_keys(named.get(key, key)).perform()


def click_lane(driver: Any, seconds: float, lane: int) -> None:
    """Press and let go on the timeline, at an instant, in the middle of a lane (0: the ruler)."""
    from selenium.webdriver.common.action_chains import ActionChains

    lanes = driver.execute_script("return window.genlock.lanes()")
    view = driver.execute_script("return window.genlock.view()")
    area = driver.find_element("id", "canvases")
    size = area.size
    x = (seconds - view["start"]) / (view["end"] - view["start"]) * size["width"]
    y = lanes[lane]["y"] + lanes[lane]["height"] / 2
    ActionChains(driver).move_to_element_with_offset(
        area, round(x - size["width"] / 2), round(y - size["height"] / 2)
    ).click().perform()
