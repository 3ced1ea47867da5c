"""Two hours of film with 15,000 words on the studio's timeline, in a real browser: how soon, how smooth, how large.

Prints the time to open the film (once), the first paint of the timeline, frames a second while it zooms and pans, the
memory of the server, and whether a border that is dragged, saved and opened again is the same to the sample.

    python benchmarks/studio_two_hours.py [--minutes 120] [--words 15000] [--repeated]

With ``--repeated`` only one minute is prepared, and its sound and its rows are written so many times: for a machine
that has no time to decode two hours. What the page and the server do with them is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.report.browser import chromium, console

from genlock.core import Grid, Track
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.track_file import save_track
from genlock.report.pyramid import SoundFile, write_pyramid, write_sound_pyramid
from genlock.speech import Word, Words
from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.kinds import clip_folder
from genlock.tasks.prepare_timeline import prepare_timeline

RATE = 25
NUMBER = 100  # of the word whose border is dragged


def make_film(folder: Path, minutes: int, words: int, repeated: bool) -> Path:
    """A film of so many minutes: a small picture, tones with pauses, words, and curves on the frames."""
    film = folder / "long.mp4"
    count = minutes * 60 * RATE
    rng = np.random.default_rng(16)
    sources = [f"testsrc2=size=160x90:rate={RATE}", "aevalsrc=sin(440*PI*t)*(0.3+0.3*sin(9*t)):s=48000"]
    inputs = [part for source in sources for part in ("-f", "lavfi", "-i", source)]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "35", "-g", "50", "-c:a", "aac"]
    minute = folder.with_name(f"{folder.name}-minute.mp4")
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-t", "60", *coding, str(minute)], check=True)
    again = ["-stream_loop", str(minutes - 1), "-i", str(minute), "-c", "copy", "-t", str(minutes * 60)]
    subprocess.run(["ffmpeg", "-v", "error", *again, str(film)], check=True)
    if repeated:
        prepare_repeated(folder, minute, film, minutes)
    minute.unlink()
    results = film.with_suffix(".genlock")
    (results / "tracks").mkdir(parents=True)
    step = Fraction(minutes * 60, words)
    made = [
        Word(f"word{k}" + "." * (k % 12 == 11), k * step, k * step + step * 4 / 5, 0.9) for k in range(words)
    ]
    write_json(results / "words.json", Words(made).to_dict())
    for name in ("mouth-aperture", "flow-energy"):
        values = np.cumsum(rng.standard_normal(count)).astype(np.float32)
        save_track(Track(values, Grid(RATE), name=name), results / "tracks" / f"{name}.npz")
    return film


def prepare_repeated(folder: Path, minute: Path, film: Path, minutes: int) -> None:
    """Prepare one minute, and from it the timeline of the whole film."""
    place = StudioFolder(folder)
    (file,) = (each for each in place.files()[0] if each.path == film)
    with tempfile.TemporaryDirectory() as room:
        clip = prepare_timeline(minute, Path(room) / "clip")
        told = read_json_file(clip.folder / "timeline.json")
        told["frame_count"] = minutes * 60 * RATE
        told["page"]["end"] = str(minutes * 60)
        target = clip_folder(place, file)
        target.mkdir(parents=True)
        assert clip.sound is not None
        assert clip.spectrogram is not None
        samples = clip.sound.samples(0, 60 * clip.sound.rate)
        with open(target / "sound.i16", "wb") as out:
            for _ in range(minutes):
                out.write(samples.tobytes())
        sound = SoundFile(target / "sound.i16", clip.sound.rate, clip.sound.origin)
        (target / "waveform").mkdir()
        write_sound_pyramid(target / "waveform", sound, clip.waveform.facts if clip.waveform else None)
        rows = np.fromfile(clip.folder / "spectrogram" / "level-0", np.uint8).reshape(
            -1, clip.spectrogram.width
        )
        (target / "spectrogram").mkdir()
        whole = np.tile(rows, (minutes, 1))
        write_pyramid(target / "spectrogram", whole, clip.spectrogram.grid, "mean", clip.spectrogram.facts)
        shutil.copy(film, target / told["page"]["preview"]["name"])
        write_json(target / "timeline.json", told)


def memory_mb(pid: int) -> tuple[float, float]:
    """Memory of a process now, and the most that it had, in MB."""
    told = Path(f"/proc/{pid}/status").read_text()
    values = {
        line.split(":")[0]: line.split()[1]
        for line in told.splitlines()
        if line.startswith(("VmRSS", "VmHWM"))
    }
    return int(values["VmRSS"]) / 1000, int(values["VmHWM"]) / 1000


def largest_worker_mb(pid: int) -> float:
    """The most memory that a process which the server started has had, in MB."""
    found = [
        child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
    ]
    return max((memory_mb(int(child))[1] for child in found), default=0.0)


def until(driver: Any, script: str, seconds: float = 600) -> Any:
    """What a script answers, as soon as it answers something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = driver.execute_script(script)
        if answer:
            return answer
        time.sleep(0.02)
    raise SystemExit(f"waited in vain for: {script}; the console says {console(driver)}")


#: Turns the view with every picture that the browser draws, for so many of them; milliseconds between them.
MOVE = """
const [kind, count] = arguments;
const done = arguments[arguments.length - 1];
const { timeline } = window.studio.screen;
const times = [];
let n = 0;
const step = (now) => {
  times.push(now);
  if (n === count) return done(times);
  if (kind === "zoom") timeline.zoom(n < count / 2 ? 0.92 : 1 / 0.92, 3600);
  else timeline.pan((timeline.view.b - timeline.view.a) * 0.02);
  n += 1;
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""


def page_cpu(driver: Any) -> float:
    """Seconds of a processor that the page's own thread has used."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def frames_a_second(driver: Any, kind: str, span: float | None, count: int = 180) -> str:
    """How many pictures a second the browser draws while the view moves, and the slowest of them."""
    if span is None:
        driver.execute_script("window.studio.screen.timeline.showAll()")
    else:
        driver.execute_script("window.studio.screen.timeline.show(3000, 3000 + arguments[0])", span)
    time.sleep(1)
    before = page_cpu(driver)
    between = np.diff(driver.execute_async_script(MOVE, kind, count))
    busy = 1000 * (page_cpu(driver) - before) / count
    return (
        f"{busy:.1f} ms of the page's thread a picture, which bears {1000 / busy:.0f} a second; seen were "
        f"{1000 / between.mean():.0f} frames a second (median {1000 / np.median(between):.0f}, "
        f"slowest of 20: {1000 / np.percentile(between, 95):.0f})"
    )


def first_paints(driver: Any, address: str, times: int = 3) -> list[tuple[float, float]]:
    """Seconds from asking for the page until words and waveform are drawn; and of the page's thread."""
    taken = []
    for _ in range(times):
        driver.get("about:blank")
        before = page_cpu(driver)
        driver.get(address)
        script = (
            "return window.studio?.painted && performance.getEntriesByName('genlock painted')[0].startTime"
        )
        seconds = until(driver, script) / 1000
        taken.append((seconds, page_cpu(driver) - before))
    return taken


def border_is_kept(driver: Any, root: str, ident: str) -> bool:
    """Drag a border to a sample, save it, open the page again: is it the same?"""
    driver.execute_script(
        "const { editor } = window.studio.screen; editor.snapping = false; editor.select(arguments[0], 'end');"
        "editor.moveBorder(arguments[0], 'end', editor.word.to - 0.0123456, { alone: true });",
        NUMBER,
    )
    until(driver, "return window.studio.saved()")
    shown = driver.execute_script("return window.studio.screen.editor.list[arguments[0]].end", NUMBER)
    kept = json.load(urllib.request.urlopen(f"{root}/api/clips/{ident}/words"))["words"][NUMBER]["end"]
    driver.get("about:blank")
    driver.get(f"{root}/#/timeline/{ident}")
    until(driver, "return window.studio?.screen.editor?.list.length")
    again = driver.execute_script("return window.studio.screen.editor.list[arguments[0]].end", NUMBER)
    on_a_sample = (Fraction(kept) * 48000).denominator == 1
    return shown == kept == again and on_a_sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--words", type=int, default=15000)
    parser.add_argument("--repeated", action="store_true", help="prepare one minute and repeat it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begun = time.monotonic()
        make_film(folder, asked.minutes, asked.words, asked.repeated)
        print(f"made {asked.minutes} minutes of film in {time.monotonic() - begun:.0f} s", flush=True)
        program = [str(Path(sys.executable).with_name("genlock")), "studio", str(folder), "--port", "0"]
        unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
        server = subprocess.Popen(
            program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=unbuffered
        )
        try:
            assert server.stdout is not None
            said = next(line for line in server.stdout if " at http" in line)
            root = said.split(" at ")[-1].strip().rstrip("/")
            ident = json.load(urllib.request.urlopen(f"{root}/api/library"))["files"][0]["id"]
            with chromium(folder / "profile") as driver:
                driver.set_script_timeout(300)
                measure(driver, root, ident, server.pid)
        finally:
            server.terminate()
            server.wait()


def measure(driver: Any, root: str, ident: str, pid: int) -> None:
    """Everything that is printed."""
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    begun = time.monotonic()
    driver.get(f"{root}/#/timeline/{ident}")
    until(driver, "return window.studio?.ready", 3600)
    print(f"ready for the first time after {time.monotonic() - begun:.0f} s", flush=True)
    worker = largest_worker_mb(pid)
    if worker:
        print(f"the process that prepared it had {worker:.0f} MB at most")
    before = memory_mb(pid)[0]
    paints = first_paints(driver, f"{root}/#/timeline/{ident}")
    said = ", ".join(f"{seconds:.2f} s ({busy:.2f} s of the page's thread)" for seconds, busy in paints)
    print(f"first paint of words and waveform: {said}", flush=True)
    until(driver, "return window.studio.ready")
    time.sleep(3)
    for span, name in ((None, "all of it"), (600, "ten minutes"), (10, "ten seconds")):
        print(f"pan, {name}: {frames_a_second(driver, 'pan', span)}", flush=True)
    print(
        f"zoom, from all of it to a few frames and back: {frames_a_second(driver, 'zoom', None)}", flush=True
    )
    same = border_is_kept(driver, root, ident)
    print(f"a border dragged, saved and opened again is the same to the sample: {'yes' if same else 'NO'}")
    now, most = memory_mb(pid)
    print(
        f"memory of the server: {before:.0f} MB before the page was used, {now:.0f} MB after, {most:.0f} MB at most"
    )
    print(f"load of the machine: {os.getloadavg()[0]:.1f}; messages in the console: {console(driver)}")


if __name__ == "__main__":
    main()
