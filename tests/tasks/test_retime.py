"""``genlock words FILM --retime``: real speech, subtitles of another cut."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pysubs2
import pytest

pytest.importorskip("faster_whisper")

from genlock.core import Grid, Track
from genlock.core.errors import OptionError
from genlock.media import Sound, encode, read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech.activity import speech_spans
from genlock.speech.subtitles import Cue
from genlock.speech.subtitles.srt_vtt import vtt
from genlock.tasks.find_words import WordOptions
from genlock.tasks.retime_subtitles import retime_subtitles

#: When the two halves of the speech are said in its recording, in seconds.
LINES = ((0.3, 2.2), (3.3, 7.5), (8.2, 10.4))
AT = (2.0, 21.0, 37.0, 64.0)


@pytest.fixture(scope="module")
def film(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy-seven seconds in which one speech is given four times."""
    speech = TrackSound(read_audio(shared_data / "speech" / "jfk.flac")).samples(0, 11 * 16000)
    samples = np.random.default_rng(0).normal(0, 2e-4, 77 * 16000).astype(np.float32)
    for at in AT:
        samples[int(at * 16000) :][: len(speech)] += speech
    path = tmp_path_factory.mktemp("film") / "film.wav"
    encode(path, None, Sound(samples, 16000))
    return path


def said() -> list[tuple[float, float]]:
    return [(at + low, at + high) for at in AT for low, high in LINES]


def exactly(seconds: float) -> Fraction:
    return Fraction(round(1000 * seconds), 1000)


def test_where_somebody_speaks(film: Path) -> None:
    spans = speech_spans(TrackSound(read_audio(film)))
    speech = sum(float(high - low) for low, high in spans)
    assert speech == pytest.approx(sum(high - low for low, high in said()), rel=0.2)
    assert all(
        any(a - 0.3 <= low and high <= b + 0.3 for a, b in ((t, t + 11) for t in AT)) for low, high in spans
    )


def test_blocks_of_sound_give_the_same_spans(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = TrackSound(read_audio(film))
    whole = speech_spans(sound)
    monkeypatch.setattr("genlock.speech.activity._BLOCK", 30)
    parts = speech_spans(sound)
    total = [sum(float(high - low) for low, high in spans) for spans in (whole, parts)]
    assert total[1] == pytest.approx(total[0], rel=0.05)


def test_foreign_subtitles_shifted_and_stretched_come_back(genlock, film: Path, tmp_path: Path) -> None:
    """No word is in common; positions and markup stay."""
    speed = Fraction(25, 24)
    cues = [
        Cue(f"<i>Zeile {k}</i>\nzwei", exactly(low) / speed + 12, exactly(high) / speed + 12, "", "line:0")
        for k, (low, high) in enumerate(said())
    ]
    source, target = tmp_path / "alt.vtt", tmp_path / "neu.vtt"
    source.write_text(vtt(cues))
    run = genlock("words", film, "--retime", source, "-o", target, "--json")
    assert run.status == 0
    assert json.loads(run.out)["speed"] == "25/24"
    events = list(pysubs2.load(str(target)))
    off = [event.start / 1000 - low for event, (low, _) in zip(events, said(), strict=True)]
    assert np.max(np.abs(off)) < 0.3
    assert target.read_text().count("line:0") == len(cues)
    assert "<i>Zeile 3</i>\nzwei" in target.read_text()


def test_what_cannot_be_retimed_is_refused(film: Path, tmp_path: Path) -> None:
    text = tmp_path / "plain.txt"
    text.write_text("no times here")
    with pytest.raises(OptionError, match="no times"):
        retime_subtitles(film, str(text))
    with pytest.raises(OptionError, match="name one"):
        retime_subtitles(film, str(text), WordOptions(transcript=str(text)))
    subtitles = tmp_path / "a.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:09,000\nHi\n")
    with pytest.raises(OptionError, match="doc"):
        retime_subtitles(film, str(subtitles), output=tmp_path / "a.doc")
    assert list(tmp_path.iterdir()) in ([text, subtitles], [subtitles, text])


def test_silence_tells_nothing(tmp_path: Path) -> None:
    quiet = TrackSound(Track(np.zeros(5 * 16000, np.float32), Grid.of_samples(16000)))
    assert speech_spans(quiet) == []
