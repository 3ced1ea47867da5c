"""The screens of the studio as a browser shows them: studio-*.jpg.

All that they show is made here: a drawn talker whose sound comes 147 ms early, a stick that strikes, a voice, a small
dataset and a training run of a few steps, which a studio of its own serves. Without Chromium, chromedriver and selenium
nothing is drawn, and the pictures that are there stay.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _pages import CHROMIUM, DRIVER, browser, jpeg, seen_as, sticks_film, talking_film, wait

from genlock.core.json_forms import write_json
from genlock.data.options import PrepareOptions
from genlock.media import Sound, encode
from genlock.synth.voice.speak import VoiceOptions, speak
from genlock.tasks.prepare_dataset import prepare_dataset

WIDE = 1200
#: Screen, its file, how much of it is shown, what is done there first, and when it may be looked at.
SCREENS: tuple[tuple[str, str | None, int, str, str], ...] = (
    ("library", None, 620, "", "[...document.images].every((image) => image.complete)"),
    (
        "timeline",
        "talker.mp4",
        985,
        "window.studio.screen.player.seek(2.1)",
        "window.studio.still() === window.studio.frame() && ((strip) => strip.ready && !strip.busy && "
        "!strip.wanted.length)(window.studio.screen.strip)",
    ),
    ("words", "talker.mp4", 760, "", "true"),
    ("sync", "talker.mp4", 980, "", "document.querySelector('.knot')?.checkVisibility()"),
    (
        "face",
        "voice.wav",
        960,
        "",
        "((face) => { if (!(face.made?.readyState >= 2)) return false;"
        " if (face.player.time() < 2) face.player.seek(2.4);"
        " return !face.made.seeking && face.made.currentTime > 2; })(window.studio.made.face)",
    ),
    ("sound", "sticks.mp4", 1160, "", "document.querySelectorAll('#screen-sound [data-take]').length >= 2"),
    (
        "models",
        None,
        1000,
        "document.querySelector('[data-dataset] button').click();"
        "document.querySelector('[data-run] button').click();",
        "document.querySelector('.curves')?.naturalWidth && document.querySelector('.clips button')",
    ),
)
#: The list of models is long: the picture begins with its end.
TOP = "return document.querySelector('[data-dataset]').closest('.card').getBoundingClientRect().top + scrollY - 220"
#: What is asked of the studio before anything is looked at: file, kind of job, options.
ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("talker.mp4", "open", {}),
    ("talker.mp4", "align", {}),
    ("talker.mp4", "sync", {}),
    ("sticks.mp4", "open", {}),
    ("sticks.mp4", "sound", {"library": "mine", "takes": 2}),
    ("voice.wav", "open", {}),
    ("voice.wav", "animate", {"face": "robot", "model": "talker-people"}),
)


def main(folder: Path) -> None:
    """Draw all of them into a folder."""
    if CHROMIUM is None or DRIVER is None:
        print("no Chromium with chromedriver: the pictures of the studio stay as they are")
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        films = Path(made) / "films"
        text = fill(films, Path(made))
        with served(films) as address, browser(Path(made) / "browser") as opened:
            for name, kind, options in ASKED:
                more = {"transcript_text": text} if kind == "align" else {}
                done(address, name, kind, {**options, **more})
            seen_as(opened, (WIDE, 1000), light=False)
            for screen, name, shown, first, condition in SCREENS:
                show(opened, address, screen, name)
                opened.execute_script(first)
                wait(opened, condition)
                top = opened.execute_script(TOP) if screen == "models" else 0
                shot = jpeg(opened, WIDE, shown, top=top, quality=75)
                (folder / f"studio-{screen}.jpg").write_bytes(shot)


def fill(films: Path, made: Path) -> str:
    """Make the folder of films, a dataset and a run; what the talker says."""
    films.mkdir()
    _, transcript = talking_film(films)
    text = transcript.read_text(encoding="utf-8")
    transcript.unlink()
    sticks_film(made).rename(films / "sticks.mp4")
    for name, hertz in (("wood/soft_1", 500), ("metal/hard_1", 1500)):
        (films / "mine" / name).parent.mkdir(parents=True)
        ring = 0.5 * np.exp(-np.arange(9600) / 900) * np.cos(np.arange(9600) * hertz / 7639)
        encode(films / "mine" / f"{name}.wav", sound=Sound(ring, 48000))
    voice = speak("listen to my voice now, and look at the face that moves with it", VoiceOptions(rate=16000))
    encode(films / "voice.wav", sound=Sound(np.asarray(voice.samples, np.float32), 16000))
    corpus = made / "corpus"
    corpus.mkdir()
    (corpus / "talker.mp4").write_bytes((films / "talker.mp4").read_bytes())
    (corpus / "broken.mp4").write_bytes(b"no film")
    wanted = PrepareOptions(outputs="sound@8000,energy,mel:kaldi,frames@5/64x48", workers=1)
    prepare_dataset(corpus, films / "sets" / "talkers", wanted)
    run = films / "runs" / "small"
    (run / "model").mkdir(parents=True)
    write_json(run / "run.json", {"recipe": "vocoder", "settings": {"width": 8}, "loop": {"steps": 40}})
    steps = ({"step": k, "loss": 1 + 3 / k, "lr": 0.001} for k in range(1, 41))
    (run / "log.jsonl").write_text("".join(f"{json.dumps(step)}\n" for step in steps))
    return text


@contextmanager
def served(films: Path) -> Iterator[str]:
    """The address of a studio of the folder, while it runs."""
    call = [sys.executable, "-m", "genlock", "studio", str(films), "--port", "0"]
    said = films.parent / "studio.log"
    with said.open("w") as log:
        studio = subprocess.Popen(call, stdout=log, stderr=log)
    try:
        while not (address := re.search(r"http://\S+", said.read_text())):
            if studio.poll() is not None:
                raise SystemExit(said.read_text())
            time.sleep(0.1)
        yield address[0].rstrip("/")
    finally:
        studio.terminate()
        studio.wait(60)


def asked(address: str, path: str, told: Mapping[str, Any] | None = None) -> Any:
    """What the studio answers to a request."""
    data = None if told is None else json.dumps(told).encode()
    request = urllib.request.Request(f"{address}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def number_of(address: str, name: str) -> str:
    """The number by which the studio calls a file."""
    files = asked(address, "/api/library")["files"]
    return next(str(file["id"]) for file in files if file["name"] == name)


def done(address: str, name: str, kind: str, options: Mapping[str, Any]) -> None:
    """Ask for a job and wait until it has ended well."""
    told = {"kind": kind, "files": [number_of(address, name)], "options": options}
    (number,) = asked(address, "/api/jobs", told)["jobs"]
    while (job := asked(address, f"/api/jobs/{number}"))["state"] not in ("done", "failed", "cancelled"):
        time.sleep(0.2)
    if job["state"] != "done":
        raise SystemExit(f"{kind} of {name}: {job['message']}")


def show(opened: Any, address: str, screen: str, name: str | None) -> None:
    """Load a screen anew, and wait until it shows its file."""
    opened.get("about:blank")
    opened.get(f"{address}/#/{screen}{'' if name is None else '/' + number_of(address, name)}")
    wait(opened, "window.studio && window.studio.ready")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures"))
