from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.speech.conftest import JFK, sound_of

from genlock.core import Grid, Track
from genlock.core.errors import MediaError, MissingModel, OptionError
from genlock.media.sound_source import TrackSound
from genlock.metrics.words import word_errors
from genlock.pipeline import SpooledSound
from genlock.speech.heard import Heard
from genlock.speech.recognize import FasterWhisper, PocketSphinx, choose_recognizer, recognize
from genlock.speech.sound import quiet_cuts


class ToneReader:
    """A recogniser whose words are tone bursts: the word is the tone's pitch in hundreds of hertz."""

    name = "tones"
    languages = ("en",)
    longest = 0

    def hear(self, samples: np.ndarray, language: str) -> list[Heard]:
        self.longest = max(self.longest, len(samples))
        loud = np.abs(samples) > 0
        edges = np.flatnonzero(
            np.diff(np.concatenate([[0], np.convolve(loud, np.ones(64), "same") > 0, [0]]).astype(int))
        )
        heard = []
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            spectrum = np.abs(np.fft.rfft(samples[start:end], 16_000))
            heard.append(
                Heard(
                    str(round(int(spectrum.argmax()) / 100)),
                    Fraction(int(start), 16_000),
                    Fraction(int(end), 16_000),
                    1.0,
                )
            )
        return heard

    @classmethod
    def missing(cls) -> str | None:
        return None


@pytest.mark.parametrize("gap", [0.02, 0.3, 1.0])
def test_no_word_is_cut_lost_or_doubled_at_the_borders_of_pieces(gap: float) -> None:
    random = np.random.default_rng(1)
    parts, truth, at = [], [], 0
    while at < 150 * 16000:
        length, pitch = int(random.integers(3200, 9600)), int(random.integers(3, 40))
        parts += [
            0.3 * np.sin(2 * np.pi * 100 * pitch * np.arange(length) / 16_000),
            np.zeros(int(gap * 16_000)),
        ]
        truth.append((str(pitch), at / 16000, (at + length) / 16_000))
        at += length + int(gap * 16_000)
    reader = ToneReader()
    heard = recognize(sound_of(np.concatenate(parts), origin=5), reader)
    assert [w.text for w in heard] == [t for t, _, _ in truth]
    assert max(abs(float(w.start) - 5 - s) for w, (_, s, _) in zip(heard, truth, strict=True)) < 0.01
    assert reader.longest <= 30 * 16000


class Pair(ToneReader):
    """Hears two pieces at once, or none; one of both answers later, now the first, now the second."""

    at_once = 2

    def __init__(self) -> None:
        self.together = threading.Barrier(2, timeout=20)

    def hear(self, samples: np.ndarray, language: str) -> list[Heard]:
        heard = super().hear(samples, language)
        time.sleep(0.01 * self.together.wait())
        return heard


def test_pieces_that_are_heard_at_once_come_in_order() -> None:
    pitches = [3 + k % 37 for k in range(150)]
    tone = np.sin(2 * np.pi * 100 * np.array(pitches)[:, None] * np.arange(8000) / 16000)
    sound = sound_of(np.concatenate([0.3 * tone, np.zeros((150, 8000))], axis=1).ravel())
    count = len(list(quiet_cuts(sound, 15 * 16000, 28 * 16000)))
    assert count % 2 == 0, "a barrier wants whole pairs"
    told: list[float] = []
    heard = recognize(sound, Pair(), progress=lambda name, done, whole: told.append(done))
    assert [w.text for w in heard] == list(map(str, pitches))
    assert told == sorted(told)
    assert len(told) == count


def test_what_goes_wrong_in_one_piece_is_told() -> None:
    class Broken(ToneReader):
        at_once = 2

        def hear(self, samples: np.ndarray, language: str) -> list[Heard]:
            raise MediaError("this piece cannot be heard; take another")

    with pytest.raises(MediaError, match="take another"):
        recognize(sound_of(np.full(100 * 16000, 0.1)), Broken())


@pytest.mark.skipif(FasterWhisper.missing() is not None, reason="the model is not here")
def test_a_net_in_use_is_let_go_afterwards(jfk: TrackSound) -> None:
    """It is let go again and again while it hears."""
    recognizer, samples = FasterWhisper(), jfk.samples(0, 4 * 16000)
    before = recognizer.hear(samples, "en")
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(recognizer.hear, samples, "en") for _ in range(2)]
        while not all(future.done() for future in asked):
            recognizer.release()
            time.sleep(0.01)
    assert [future.result() for future in asked] == [before] * 2


def test_cuts_fall_into_pauses() -> None:
    random = np.random.default_rng(0)
    sound = 0.1 * random.normal(size=100 * 16_000)
    for second in range(5, 100, 9):
        sound[second * 16000 : second * 16000 + 12000] *= 1e-4
    cuts = list(quiet_cuts(sound_of(sound), 15 * 16000, 28 * 16_000))
    assert cuts[-1] == (len(sound), True)
    for cut, silent in cuts[:-1]:
        assert silent
        assert (cut / 16000 - 5) % 9 < 0.75
    noise = sound_of(0.1 * random.normal(size=100 * 16_000))
    assert not any(silent for _, silent in list(quiet_cuts(noise, 15 * 16000, 28 * 16_000))[:-1])


@pytest.mark.parametrize("kind", [FasterWhisper, PocketSphinx])
@pytest.mark.parametrize("sound", ["silence", "noise", "hum", "nan", "short", "empty"])
def test_nothing_is_heard_where_nobody_speaks(kind: type, sound: str) -> None:
    if kind.missing():  # type: ignore[attr-defined]
        pytest.skip(kind.missing())  # type: ignore[attr-defined]
    random = np.random.default_rng(0)
    length = (6 if kind is FasterWhisper else 2) * 16000
    t = np.arange(length) / 16000
    samples = {
        "silence": np.zeros(length),
        "noise": random.normal(0, 0.1, length),
        "hum": 0.2 * np.sin(2 * np.pi * 50 * t),
        "nan": np.full(length, np.nan),
        "short": random.normal(0, 0.1, 160),
        "empty": np.zeros(0),
    }[sound]
    heard = recognize(sound_of(samples), kind())
    # The floor has no voice detector: it may take noise for a word or two.
    assert len(heard) <= (0 if kind is FasterWhisper else 6)


def test_the_default_hears_a_famous_speech(jfk: TrackSound) -> None:
    if FasterWhisper.missing():
        pytest.skip(FasterWhisper.missing())
    errors = word_errors(JFK, " ".join(w.text for w in recognize(jfk, choose_recognizer("auto", "en"))))
    assert errors.total <= 1


@pytest.mark.skipif(FasterWhisper.missing() is not None, reason="the model is not here")
def test_a_recogniser_that_left_its_memory_hears_the_same(jfk: TrackSound) -> None:
    recognizer = FasterWhisper()
    samples = jfk.samples(0, 5 * 16000)
    before = recognizer.hear(samples, "en")
    recognizer.release()
    recognizer.release()  # twice does no harm
    assert before
    assert recognizer.hear(samples, "en") == before


def test_the_floor_hears_most_of_it(jfk: TrackSound) -> None:
    part = sound_of(jfk.samples(0, 5 * 16_000))
    true = "and so my fellow americans ask not"
    assert word_errors(true, " ".join(w.text for w in recognize(part, PocketSphinx()))).rate < 0.6


def test_languages_that_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingModel, match=r"'de'.*genlock models fetch whisper-base.*transcript"):
        choose_recognizer("auto", "de")
    with pytest.raises(OptionError, match=r"pocketsphinx.*only en"):
        choose_recognizer("pocketsphinx", "fr")
    with pytest.raises(OptionError, match="no-such"):
        choose_recognizer("no-such", "en")


def test_words_of_a_sound_that_grows_are_those_of_the_whole() -> None:
    """Pieces are heard as soon as they are there, and cut where they would be cut in the whole."""

    class Loud:
        name, languages = "loud", ("en",)

        def __init__(self) -> None:
            self.lengths: list[int] = []

        def hear(self, samples: np.ndarray, language: str) -> list[Heard]:
            self.lengths.append(len(samples))
            at = np.flatnonzero(np.abs(samples) > 0.5)
            return [
                Heard(f"{len(samples)}", Fraction(int(at[0]), 16_000), Fraction(int(at[0]) + 1, 16_000), 1.0)
            ]

    random = np.random.default_rng(1)
    wave = 0.01 * random.standard_normal(70 * 16_000).astype(np.float32)
    wave[:: 7 * 16000] = 0.9
    whole, growing = Loud(), Loud()
    sound = TrackSound(Track(wave, Grid.of_samples(16_000)))
    meant = recognize(sound, whole)
    with SpooledSound(Fraction(0), "media") as spool, ThreadPoolExecutor(1) as pool:
        found = pool.submit(recognize, spool, growing)
        for first in range(0, len(wave), 10_000):
            spool.append(wave[first : first + 10_000])
            if first == 500_000:
                while (
                    not growing.lengths and not found.done()
                ):  # the first piece is heard before the last samples are there
                    time.sleep(0.01)
        spool.end()
        assert found.result() == meant
    assert growing.lengths == whole.lengths
    assert len(whole.lengths) > 2


def test_a_sound_that_is_closed_lets_nobody_wait() -> None:
    spool = SpooledSound(Fraction(0), "media")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(spool.samples, 0, 10)
        spool.close()
        with pytest.raises(MediaError, match="could not be read to its end"):
            waiting.result()
