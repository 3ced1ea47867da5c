"""Are the borders of words right in other languages? Texts are put on the clock, the sound is cut at the borders of the
words, and somebody who took no part in it, Whisper base, recognises the cuts again: needs no true times.

Each sentence is cut into pieces of a few words. The cuts of a few sentences are shuffled and laid into silence, so that
neither the sentence nor the word before helps: where a border is wrong, sound lies with the wrong word. Beside ours:
words of equal length between the first and the last sound, and ours shifted by 60 and by 120 ms. ``whole`` is the sound
uncut: the best that the recogniser can do. Differences to ours stand with their 95 % interval over groups of sentences.
Speakers: Asterisk's prompts (es, fr, it, ru) and the game Fish Fillets (cs, nl), fetched as Debian packages into FOLDER
if they are not there.

    python benchmarks/words_languages.py FOLDER [--clips 4] [--piece 3] [--languages es,fr,it,ru,cs,nl] [--aligner auto]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.metrics.words import word_errors
from genlock.speech import Words, recognize_and_align
from genlock.speech.whisper.options import WhisperOptions
from genlock.speech.whisper.recognizer import FasterWhisper

RATE = 16000
TOOLS = Path(__file__).parents[1] / "tools"
ASTERISK, FILLETS = ("es", "fr", "it", "ru"), ("cs", "nl")
#: Share of words that must get times.
SHARE_TARGET = 0.95
#: Silence around each cut, and the longest sound that is recognised at once.
GAP, LONGEST = RATE // 2, 28 * RATE
#: Sentences whose cuts are mixed and judged together.
GROUP = 4
SHIFTS = (Fraction(60, 1000), Fraction(120, 1000))
#: Sound that is left around a piece where nothing else is said.
PAD = Fraction(20, 1000)

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A sentence with the times that it was given."""

    text: str
    sound: TrackSound
    words: Words


def clips(folder: Path, count: int, language: str, aligner: str) -> Iterator[Clip]:
    """Sentences of 4 to 14 words and at most 8 s, spread over the list."""
    rows = [line.split("\t") for line in (folder / "transcripts.tsv").read_text("utf-8").splitlines()]
    rows = [row for row in rows if len(row) == 2 and 4 <= len(row[1].split()) <= 14 and "(" not in row[1]]
    step = max(1, len(rows) // (2 * count))
    found = 0
    for name, text in rows[::step]:
        path = next(path for path in (folder / f"{name}.g722", folder / f"{name}.ogg") if path.is_file())
        sound = TrackSound(read_audio(path, rate=RATE))
        if found < count and RATE <= sound.count <= 8 * RATE:
            found += 1
            words = recognize_and_align(sound, transcript=text, language=language, aligner=aligner)
            yield Clip(text, sound, words)


def our_borders(clip: Clip, by: Fraction = Fraction(0)) -> list[tuple[Fraction, Fraction]]:
    """Times of the words that have any; what lies between two words is shared by them."""
    spans = [(w.start + by, w.end + by) for w in clip.words if w.start is not None and w.end is not None]
    return [
        (
            max(start - PAD, (spans[k - 1][1] + start) / 2 if k else start - PAD),
            min(end + PAD, (end + spans[k + 1][0]) / 2 if k + 1 < len(spans) else end + PAD),
        )
        for k, (start, end) in enumerate(spans)
    ]


def even_borders(clip: Clip) -> list[tuple[Fraction, Fraction]]:
    """As many words of equal length, from the first loud sample to the last."""
    samples = clip.sound.samples(0, clip.sound.count)
    loud = np.flatnonzero(np.abs(samples) > 0.03 * np.abs(samples).max())
    first, last = Fraction(int(loud[0]), RATE), Fraction(int(loud[-1]), RATE)
    count = sum(w.start is not None for w in clip.words)
    return [
        (first + (last - first) * k / count, first + (last - first) * (k + 1) / count) for k in range(count)
    ]


def cut(clip: Clip, borders: Sequence[tuple[Fraction, Fraction]], words: int) -> list[Samples]:
    """Pieces of so many words, each with silence after it."""
    pieces = []
    for k in range(0, len(borders), words):
        start, end = borders[k][0], borders[min(k + words, len(borders)) - 1][1]
        first, stop = (max(0, round((t - clip.sound.origin) * RATE)) for t in (start, end))
        pieces.append(
            np.concatenate([clip.sound.samples(first, max(stop, first + 1)), np.zeros(GAP, np.float32)])
        )
    return pieces


def texts_of(clip: Clip, words: int) -> list[str]:
    """What is said in the pieces."""
    said = [word.text for word in clip.words if word.start is not None]
    return [" ".join(said[k : k + words]) for k in range(0, len(said), words)]


def shuffled(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """All that the rows hold, in an order that is the same whatever it is."""
    flat = [each for row in rows for each in row]
    return [flat[k] for k in np.random.default_rng(7).permutation(len(flat))]


def recognised(sounds: Sequence[Samples], language: str, listener: FasterWhisper) -> str:
    """What is heard in sounds, as many at once as go into half a minute."""
    heard: list[str] = []
    waiting: list[Samples] = []
    for sound in [*sounds, None]:
        if waiting and (sound is None or sum(map(len, waiting)) + len(sound) > LONGEST):
            heard += [word.text for word in listener.hear(np.concatenate(waiting), language)]
            waiting = []
        if sound is not None:
            waiting.append(sound)
    return " ".join(heard)


def errors_of(group: Sequence[Clip], piece: int, language: str, listener: FasterWhisper) -> list[int]:
    """Wrong words of a few sentences: whole, and cut in each way; and how many words there are."""
    ways = [
        [cut(clip, our_borders(clip), piece) for clip in group],
        *([cut(clip, our_borders(clip, by), piece) for clip in group] for by in SHIFTS),
        [cut(clip, even_borders(clip), piece) for clip in group],
    ]
    texts = [texts_of(clip, piece) for clip in group]
    whole = [clip.sound.samples(0, clip.sound.count) for clip in group]
    pairs = [(" ".join(map(" ".join, texts)), whole)]
    pairs += [(" ".join(shuffled(texts)), shuffled(rows)) for rows in ways]
    found = [word_errors(said, recognised(sounds, language, listener)) for said, sounds in pairs]
    return [*(errors.total for errors in found), found[0].true_words]


def more_than_ours(errors: npt.NDArray[np.int64], way: int) -> str:
    """Word errors of a way less those of ours, with the 95 % interval over groups."""
    draws = np.random.default_rng(0).integers(0, len(errors), (2000, len(errors)))
    sums = errors[draws].sum(axis=1)
    low, high = np.quantile((sums[:, way] - sums[:, 1]) / sums[:, -1], (0.025, 0.975))
    return f"{(errors[:, way] - errors[:, 1]).sum() / errors[:, -1].sum():+.2f} [{low:+.2f}...{high:+.2f}]"


def report(language: str, taken: Sequence[Clip], piece: int, listener: FasterWhisper) -> bool:
    """Print one language's line; whether its target is met."""
    if not any(clip.words.aligner for clip in taken):
        print(f"{language:9}{taken[0].words.reason if taken else 'no sentence is short enough'}", flush=True)
        return False
    words = [word for clip in taken for word in clip.words]
    share = sum(word.start is not None for word in words) / len(words)
    kept = [clip for clip in taken if any(word.start is not None for word in clip.words)]
    groups = [kept[k : k + GROUP] for k in range(0, len(kept), GROUP)]
    errors = np.array([errors_of(group, piece, language, listener) for group in groups])
    cells = "".join(f"{rate:8.2f}" for rate in errors[:, :-1].sum(axis=0) / errors[:, -1].sum())
    aligner = next((clip.words.aligner for clip in kept), "-")
    more = "".join(f"{more_than_ours(errors, way):>22}" for way in (2, 3, 4))
    print(f"{language:9}{len(words):6}{share:9.3f}{cells}{more}  {aligner}", flush=True)
    return share >= SHARE_TARGET


def main() -> int:
    """Print the table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("languages"))
    parser.add_argument(
        "--clips", type=int, default=4, help="sentences of each language; 8 take two minutes of one core"
    )
    parser.add_argument("--piece", type=int, default=3, help="words of a piece")
    parser.add_argument("--languages", default=",".join([*ASTERISK, *FILLETS]))
    parser.add_argument("--aligner", default="auto")
    options = parser.parse_args()
    # Long silence between words is what this is about: the detector of voices would take it out again.
    listener = FasterWhisper(WhisperOptions("base", beam_size=1, vad=False, device="cpu"), "auto")
    print(
        f"{'language':9}{'words':>6}{'aligned':>9}{'whole':>8}{'ours':>8}{'+60 ms':>8}{'+120 ms':>8}{'even':>8}"
        f"{'+60 ms less ours':>22}{'+120 ms less ours':>22}{'even less ours':>22}  (word errors)"
    )
    met = True
    for language in options.languages.split(","):
        folder = options.folder / language
        if not (folder / "transcripts.tsv").is_file():
            tool = "fetch_asterisk.py" if language in ASTERISK else "fetch_fillets.py"
            subprocess.run([sys.executable, TOOLS / tool, folder, language], check=True)
        met &= report(
            language, [*clips(folder, options.clips, language, options.aligner)], options.piece, listener
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
