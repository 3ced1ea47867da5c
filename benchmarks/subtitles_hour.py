"""An hour of speech: what its words cost, which rules its subtitles keep, and whether others read the files as we do.

The hour is one woman's prompts (Asterisk's, 25 minutes) and short sentences of GRID's speakers, with pauses of half a
second to two. ``genlock words`` hears it, as a user would, in a process of its own; its wall time, processor time and
memory are printed. Then subtitles of each profile are written as SRT, WebVTT and ASS and counted: cues that are too
wide, too fast, too short, too long or too near to the next one, *where speech leaves them the time*, and lines that end
after a word that belongs to the next. They are read again by pysubs2, by ffmpeg and, where Chromium is installed, by a
browser: told is the number of cues that differ from ours by more than the form's own grain, in time or in text.

    python benchmarks/subtitles_hour.py [--minutes 60] [--folder build/subtitles_hour]
"""

from __future__ import annotations

import argparse
import html
import itertools
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pysubs2
import soundfile
from _data import BUILD, DATA, VIDEOS, need

from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech import Words
from genlock.speech.subtitles import PROFILES, SubtitleRules, cues_from_words
from genlock.speech.subtitles.breaks import break_cost
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.files import write_words

RATE = 16000
TOOLS = Path(__file__).parents[1] / "tools"
#: (milliseconds of a form, what reads it)
GRAIN = {".srt": 1, ".vtt": 1, ".ass": 10}
#: Breaks that cost more than one within a clause, such as after an article (see ``break_cost``).
BAD_BREAK = 2.0

Shown = tuple[int, int, str]


def speech(folder: Path, minutes: float) -> Path:
    """The hour as FLAC; made once."""
    target = folder / f"hour-{minutes:g}.flac"
    if target.is_file():
        return target
    prompts = folder / "asterisk-en"
    if not prompts.is_dir():
        subprocess.run([sys.executable, TOOLS / "fetch_asterisk.py", prompts, "en"], check=True)
    grid = [*need(VIDEOS), *sorted((DATA / "grid_more").glob("s*/video/*"))]
    files = [path for path in sorted(prompts.glob("**/*.g722")) if path.stat().st_size > 1.5 * 8000]
    random, parts, have = np.random.default_rng(0), list[np.ndarray](), 0
    for path in [*files, *grid]:
        sound = TrackSound(read_audio(path, rate=RATE))
        samples = sound.samples(0, sound.count)
        pause = np.zeros(int(random.uniform(0.5, 2.0) * RATE), np.float32)
        parts += [samples * (0.1 / max(float(np.sqrt(np.mean(samples**2))), 1e-4)), pause]
        have += len(samples) + len(pause)
        if have >= minutes * 60 * RATE:
            break
    soundfile.write(target, np.clip(np.concatenate(parts), -1, 1), RATE)
    return target


def heard(sound: Path, folder: Path) -> Words:
    """Words by the command, with what they cost; made once."""
    target = folder / f"{sound.stem}.json"
    if not target.is_file():
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [
            sys.executable,
            "-m",
            "genlock",
            "words",
            str(sound),
            "--language",
            "en",
            "-o",
            str(target),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        wall = time.perf_counter() - start
        print(f"words: {wall:.0f} s, {used:.0f} processor seconds, at most {after.ru_maxrss / 1024:.0f} MB")
    return Words.from_dict(json.loads(target.read_text("utf-8")))


def broken(cues: Sequence[Cue], words: Words, rules: SubtitleRules) -> dict[str, int]:
    """How many cues break each rule though speech left them the time."""
    said = [(word.start, word.end) for word in words if word.start is not None and word.end is not None]
    last = {
        cue: max((end for start, end in said if cue.start <= start < cue.end), default=cue.end)
        for cue in cues
    }
    found = dict.fromkeys(
        ("too wide", "lines", "too fast", "too short", "too long", "no gap", "overlap", "bad break"), 0
    )
    for cue, following in zip(cues, [*cues[1:], None], strict=True):
        # The latest end that the next cue and the rule of lingering allow.
        free = last[cue] + rules.linger
        free = free if following is None else min(free, following.start - rules.gap)
        could = cue.end < free - Fraction(1, 100)
        length, lines = cue.end - cue.start, cue.text.split("\n")
        found["too wide"] += any(len(html.unescape(line)) > rules.line_letters for line in lines)
        found["lines"] += len(lines) > rules.lines
        found["too fast"] += could and len(cue.plain) > rules.speed * length
        found["too short"] += could and length < rules.shortest
        found["too long"] += length > rules.longest
        if following is not None:
            found["overlap"] += cue.end > following.start
            found["no gap"] += following.start - cue.end < rules.gap and cue.end > last[cue]
    rows = [line.split() for cue in cues for line in cue.text.split("\n") if line.split()]
    found["bad break"] = sum(break_cost(one[-1], two[0]) > BAD_BREAK for one, two in itertools.pairwise(rows))
    return found


def by_pysubs2(path: Path) -> list[Shown]:
    """Read by the library."""
    return [(e.start, e.end, " ".join(e.plaintext.split())) for e in pysubs2.load(str(path)).events]


def by_ffmpeg(path: Path) -> list[Shown]:
    """Read by the program, which writes them as SRT; that is read by the library."""
    copy = path.with_name(f"{path.stem}-{path.suffix[1:]}-ffmpeg.srt")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(path), str(copy)], check=True, stdin=subprocess.DEVNULL
    )
    return by_pysubs2(copy)


def by_browser(path: Path) -> list[Shown]:
    """Read by Chromium, as a track of a video."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    options.arguments.extend(("--headless=new", "--no-sandbox", "--allow-file-access-from-files"))
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    page = path.with_suffix(".html")
    page.write_text(
        f'<meta charset="utf-8"><video><track default kind="subtitles" src="{path.name}"></video>', "utf-8"
    )
    browser = webdriver.Chrome(options=options, service=service)
    try:
        browser.get(page.resolve().as_uri())
        rows = browser.execute_async_script(
            """const done = arguments[0], track = document.querySelector("track");
            track.track.mode = "hidden";
            const read = () => done([...track.track.cues].map(
                c => [c.startTime, c.endTime, c.getCueAsHTML().textContent]));
            if (track.readyState === 2) read(); else track.onload = read;"""
        )
    finally:
        browser.quit()
    return [(round(a * 1000), round(b * 1000), " ".join(text.split())) for a, b, text in rows]


def differ(ours: Sequence[Cue], read: Sequence[Shown], grain: int) -> int:
    """How many cues are not read as they were meant."""
    wrong = abs(len(ours) - len(read))
    for cue, (start, end, text) in zip(ours, read, strict=False):
        near = abs(cue.start * 1000 - start) <= grain and abs(cue.end * 1000 - end) <= grain
        wrong += not near or cue.plain != text
    return wrong


def main() -> int:
    """Print both tables; 1 if a file is read otherwise than it was meant, or a rule is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=BUILD / "subtitles_hour")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    words = heard(speech(options.folder, options.minutes), options.folder)
    readers: list[tuple[str, str, Callable[[Path], list[Shown]]]] = [
        (form, "pysubs2", by_pysubs2) for form in GRAIN
    ]
    readers += [(form, "ffmpeg", by_ffmpeg) for form in GRAIN if shutil.which("ffmpeg")]
    readers += [(".vtt", "browser", by_browser)] if shutil.which("chromedriver") else []
    met = True
    print(f"{options.minutes:g} minutes, {len(words)} words")
    for name, rules in PROFILES.items():
        cues = cues_from_words(words, rules)
        found = broken(cues, words, rules)
        if name == next(iter(PROFILES)):
            print(f"{'profile':12}{'cues':>6}" + "".join(f"{rule:>11}" for rule in found))
        print(f"{name:12}{len(cues):6}" + "".join(f"{count:11}" for count in found.values()), flush=True)
        for form in GRAIN:
            write_words(words, options.folder / f"{name}{form}", rules=rules)
        wrong = {
            f"{who} {form}": differ(cues, read(options.folder / f"{name}{form}"), GRAIN[form])
            for form, who, read in readers
        }
        print(
            "    read otherwise: " + ", ".join(f"{who} {count}" for who, count in wrong.items()), flush=True
        )
        met &= not any(wrong.values()) and not any(found.values())
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
