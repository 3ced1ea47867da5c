"""Words of the 440 GRID clips, aligned with their text: how far from the corpus' own times, beside three
baselines.

The settings were chosen on the tuning half (the clips whose name has an even SHA-1); the other half was only
reported on. The corpus counts its times from the start of the sound recording, 25,000 units a second; the
container's sound starts at 0, so the media clock is used as it is. ``sil`` and ``sp`` are no words.

    python benchmarks/words_grid.py [--clips N] [--whisper] [--floor]    --whisper, --floor: the slower
    baselines
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from _data import DATA, GRID, VIDEOS, need

from genlock.core import Track
from genlock.media import read_audio
from genlock.metrics.timing import boundary_errors
from genlock.metrics.words import word_errors
from genlock.speech.recognize import FasterWhisper, choose_recognizer
from genlock.speech.sound import TrackSound
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.sphinx.model import model_folder
from genlock.speech.text import tokenize

#: Targets, seconds and share.
START_TARGET, END_TARGET, SHARE_TARGET = 0.036, 0.021, 0.85

JFK = (
    "And so, my fellow Americans, ask not what your country can do for you, "
    "ask what you can do for your country."
)

Times = list[tuple[float | None, float | None]]


@dataclass(frozen=True)
class Clip:
    """One clip of the corpus."""

    name: str
    sound: Track
    words: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]

    @property
    def tuning(self) -> bool:
        """Whether it belongs to the half that settings were chosen on."""
        return int(hashlib.sha1(self.name.encode()).hexdigest(), 16) % 2 == 0


def load_clips(folder: Path, limit: int | None) -> list[Clip]:
    """Clips with their true words and times."""
    clips = []
    for path in sorted((folder / "video").glob("*.mpg"))[:limit]:
        rows = [line.split() for line in (folder / "align" / f"{path.stem}.align").read_text().splitlines()]
        kept = [(int(s) / 25000, int(e) / 25000, w) for s, e, w in rows if w not in ("sil", "sp")]
        starts, ends, words = zip(*kept, strict=True)
        clips.append(Clip(path.stem, read_audio(path), words, starts, ends))
    return clips


def ours(searches: int) -> Callable[[Clip], Times]:
    """Our aligner, with one search or with the median of four."""
    aligner = SphinxAligner(searches=searches)

    def times(clip: Clip) -> Times:
        placed = aligner.align(clip.sound.values, tokenize(" ".join(clip.words)), clip.sound.grid.center(0))
        return [(_float(p.start), _float(p.end)) for p in placed]

    return times


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def uniform(clip: Clip) -> Times:
    """The words spread evenly over the clip."""
    edges = np.linspace(float(clip.sound.start), float(clip.sound.end), len(clip.words) + 1)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def whisper(clip: Clip) -> Times:
    """Whisper's own word times, where it heard the word."""
    heard = choose_recognizer("faster-whisper", "en").hear(clip.sound.values.astype(np.float32), "en")
    said = [w.text.strip(".,!?").lower() for w in heard]
    times: Times = []
    at = 0
    for word in clip.words:
        place = next((k for k in range(at, len(said)) if said[k] == word or said[k] == word[0]), None)
        times.append((None, None) if place is None else (float(heard[place].start), float(heard[place].end)))
        at = at if place is None else place + 1
    return times


def pocketsphinx_raw(clip: Clip) -> Times:
    """Pocketsphinx' own forced alignment with its default settings, frame number over 100."""
    import pocketsphinx

    folder = model_folder()
    decoder = pocketsphinx.Decoder(
        hmm=str(folder / "en-us"), dict=str(folder / "cmudict-en-us.dict"), lm=None, loglevel="FATAL"
    )
    pcm = np.rint(np.clip(clip.sound.values, -1, 1) * 32767).astype("<i2").tobytes()
    try:
        decoder.set_align_text(" ".join(clip.words))
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        segments = [s for s in decoder.seg() if s.word[0] not in "<["]
    except RuntimeError:
        return [(None, None)] * len(clip.words)
    if len(segments) != len(clip.words):
        return [(None, None)] * len(clip.words)
    return [(s.start_frame / 100, (s.end_frame + 1) / 100) for s in segments]


def report(name: str, clips: Sequence[Clip], times: Sequence[Times]) -> tuple[float, float, float]:
    """Print a row each for starts and ends; returns the three figures that have targets."""
    found = [pair for clip in times for pair in clip]
    starts = boundary_errors([t for clip in clips for t in clip.starts], [s for s, _ in found])
    ends = boundary_errors([t for clip in clips for t in clip.ends], [e for _, e in found])
    print(f"{name:34} start {starts}")
    print(f"{'':34} end   {ends}", flush=True)
    return starts.mean_absolute_seconds, ends.mean_absolute_seconds, starts.within(0.05)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=None)
    parser.add_argument("--whisper", action="store_true")
    parser.add_argument("--floor", action="store_true")
    options = parser.parse_args(arguments)
    need(VIDEOS)
    clips = load_clips(GRID, options.clips)
    print(f"{len(clips)} clips; times in ms: mean absolute, bias (positive: late), median, 95th percentile;")
    print("shares within 20, 25, 50, 100, 200 ms; number of words that were not found\n")
    began, used = time.perf_counter(), time.process_time()
    median = [ours(4)(clip) for clip in clips]
    seconds = sum(float(c.sound.end - c.sound.start) for c in clips)
    wall, processor = time.perf_counter() - began, time.process_time() - used
    for name, chosen in (("tuning half", True), ("held-out half", False)):
        rows = [k for k, clip in enumerate(clips) if clip.tuning is chosen]
        report(f"genlock, {name}", [clips[k] for k in rows], [median[k] for k in rows])
    figures = report("genlock, all", clips, median)
    first = [times[:1] for times in median]
    report("genlock, first words", [_only(c, 0, 1) for c in clips], first)
    report("genlock, all but first words", [_only(c, 1, None) for c in clips], [t[1:] for t in median])
    report("genlock, one search", clips, [ours(1)(clip) for clip in clips])
    report("words spread evenly", clips, [uniform(clip) for clip in clips])
    if options.floor:
        report("pocketsphinx's own, frame / 100", clips, [pocketsphinx_raw(clip) for clip in clips])
    if options.whisper and FasterWhisper.missing() is None:
        report("Whisper tiny.en's own, where heard", clips, [whisper(clip) for clip in clips])
    print(
        f"\nspeed: {seconds / wall:.0f} x real time; {seconds / processor:.0f} s of sound a second of processor time"
    )
    jfk = DATA / "speech" / "jfk.flac"
    if jfk.is_file():
        listener = choose_recognizer("auto", "en")
        heard = listener.hear(TrackSound(read_audio(jfk)).samples(0, 30 * 16000), "en")
        errors = word_errors(JFK, " ".join(word.text for word in heard))
        print(f"jfk.flac by {listener.name}: {errors.total} of {errors.true_words} words wrong")
    start, end, share = figures
    met = start <= START_TARGET and end <= END_TARGET and share >= SHARE_TARGET
    print(
        f"targets (starts {1000 * START_TARGET:.0f} ms, ends {1000 * END_TARGET:.0f} ms, "
        f"{SHARE_TARGET:.0%} of starts within 50 ms): "
        f"{'met' if met else 'NOT met'}"
    )
    return 0 if met or options.clips else 1


def _only(clip: Clip, first: int, stop: int | None) -> Clip:
    cut = slice(first, stop)
    return Clip(clip.name, clip.sound, clip.words[cut], clip.starts[cut], clip.ends[cut])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
