"""The voice: exact boundaries, a sound that is what it says, and recognisers that understand it."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pocketsphinx
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_toeplitz

from genlock import weights
from genlock.core.errors import OptionError
from genlock.core.spans import Span
from genlock.synth import Speech, VoiceOptions, speak
from genlock.synth.voice.articulation import closure_of
from genlock.synth.voice.lexicon import LEXICON, SpokenWord
from genlock.synth.voice.phones import PHONES, parse_phone

SENTENCE = "Genlock puts the sound and the picture of a video on one exact clock."
COUNT = "One, two, three, four, five, six, seven, eight, nine, ten."


def part(speech: Speech, span: Span, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """The samples of a part of a span."""
    first = (span.start - speech.origin) * speech.rate
    length = span.duration * speech.rate
    return speech.samples[int(first + low * length) : int(first + high * length)]


@settings(max_examples=12)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
    st.floats(0.6, 1.8),
    st.sampled_from([Fraction(0), Fraction(-1, 3), Fraction(1001, 30000)]),
)
def test_phones_cover_the_sound_exactly(rate: int, speed: float, origin: Fraction) -> None:
    speech = speak("One, two.", VoiceOptions(rate=rate, speed=speed, tail_seconds=0.1), origin=origin)
    assert sum(p.duration for p in speech.phones) == Fraction(len(speech.samples), rate)
    assert speech.phones[0].start == origin
    for before, after in zip(speech.phones, speech.phones[1:], strict=False):
        assert before.end == after.start
        assert ((after.start - origin) * rate).denominator == 1, "a boundary lies on no sample"
    for word in speech.words:
        inside = speech.phones.between(word.start, word.end)
        assert (inside[0].start, inside[-1].end) == (word.start, word.end)
        assert [p.label for p in inside] == list(LEXICON[word.label.lower()])


def test_a_boundary_is_the_same_at_every_rate_to_half_a_sample() -> None:
    fine = speak(SENTENCE, VoiceOptions(rate=96000))
    coarse = speak(SENTENCE, VoiceOptions(rate=16000))
    for a, b in zip(fine.phones, coarse.phones, strict=True):
        assert abs(a.end - b.end) <= Fraction(1, 2 * 16000) + Fraction(1, 2 * 96000)


def test_equal_seeds_give_equal_samples_and_others_do_not() -> None:
    one, again = (speak("Hello.", VoiceOptions(rate=16000, seed=4)) for _ in range(2))
    other = speak("Hello.", VoiceOptions(rate=16000, seed=5))
    np.testing.assert_array_equal(one.samples, again.samples)
    assert not np.array_equal(one.samples, other.samples)


def test_two_rates_give_one_sound() -> None:
    fast = speak("One.", VoiceOptions(rate=48000, room_decibels=None))
    slow = speak("One.", VoiceOptions(rate=16000, room_decibels=None))
    down = soxr.resample(fast.samples, 48000, 16000)[: len(slow.samples)]
    # Breath noise differs; "one" has little of it.
    assert np.corrcoef(down, slow.samples[: len(down)])[0, 1] > 0.98


def test_stops_burst_at_their_planted_sample() -> None:
    rate = 48000
    speech = speak("Talk to ten. Picture, keeps.", VoiceOptions(rate=rate, room_decibels=None))
    checked = 0
    for segment in speech.segments:
        if segment.phone.kind != "stop" or segment.phone.voicing is not None or not segment.aspirated:
            continue
        release = closure_of(segment, rate).release[0]
        before = np.abs(speech.samples[release - rate // 100 : release - rate // 1000]).max()
        after = np.abs(speech.samples[release : release + rate // 500]).max()
        # The burst rises within two milliseconds out of a closure that is nearly silent.
        assert after > 8 * before, segment.label
        checked += 1
    assert checked >= 4


def formants(sound: np.ndarray, rate: int) -> np.ndarray:
    """Resonances by linear prediction, Hz, rising: the autocorrelation method, at 10 kHz, order 12."""
    down = soxr.resample(sound.astype(np.float64), rate, 10000)
    down = np.append(down[0], down[1:] - 0.97 * down[:-1]) * np.hamming(len(down))
    lags = np.correlate(down, down, "full")[len(down) - 1 :][:13]
    roots = np.roots(np.append(1.0, -solve_toeplitz(lags[:12], lags[1:])))
    roots = roots[np.imag(roots) > 0.01]
    hertz = np.angle(roots) * 10000 / (2 * np.pi)
    bandwidths = -np.log(np.abs(roots)) * 10000 / np.pi
    return np.sort(hertz[(bandwidths < 500) & (hertz > 150)])


@pytest.mark.parametrize("vowel", ["IY", "EH", "AA", "AO", "UH"])
def test_linear_prediction_finds_the_formants_of_a_vowel(vowel: str) -> None:
    word = SpokenWord("h", ("HH", f"{vowel}1", "T"))
    speech = speak([word], VoiceOptions(rate=16000, speed=0.5, room_decibels=None))
    middle = part(speech, speech.phones[2], 0.35, 0.6)
    first, second = formants(middle, 16000)[:2]
    targets = np.array(PHONES[vowel].formants)
    assert targets[:, 0].min() * 0.85 < first < targets[:, 0].max() * 1.2
    assert targets[:, 1].min() * 0.88 < second < targets[:, 1].max() * 1.12


def test_hisses_lie_where_they_belong() -> None:
    def centroid(phone: str) -> float:
        speech = speak([SpokenWord("x", (phone, "AA1"))], VoiceOptions(rate=32000, room_decibels=None))
        power = np.abs(np.fft.rfft(part(speech, speech.phones[1], 0.2, 0.8))) ** 2
        return float((np.linspace(0, 16000, len(power)) * power).sum() / power.sum())

    assert 2200 < centroid("SH") < 4200
    assert centroid("S") > 4800


def test_pitch_is_what_was_asked_for() -> None:
    def pitch(asked: float) -> float:
        speech = speak(SENTENCE, VoiceOptions(rate=16000, pitch_hz=asked, room_decibels=None))
        found = []
        for vowel in (span for span in speech.phones if span.label[-1] in "12"):
            sound = part(speech, vowel)
            likeness = np.correlate(sound, sound, "full")[len(sound) - 1 :]
            found.append(16000 / (64 + int(np.argmax(likeness[64:267]))))  # 60...250 Hz
        return float(np.median(found))

    assert pitch(100) == pytest.approx(100, rel=0.2)
    assert pitch(180) == pytest.approx(180, rel=0.2)


def forced(text: str, sound: np.ndarray) -> list[tuple[str, float, float]]:
    """Words of pocketsphinx's forced alignment, with start and end in seconds."""
    decoder = pocketsphinx.Decoder(samprate=16000, loglevel="FATAL", lm=None)
    decoder.add_word("genlock", "JH EH N L AA K", True)
    decoder.set_align_text(" ".join(re.findall(r"[a-z]+", text.lower())))
    decoder.start_utt()
    decoder.process_raw((sound * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return [
        (s.word.split("(")[0], s.start_frame / 100, (s.end_frame + 1) / 100)
        for s in decoder.seg()
        if s.word[0] not in "<(["
    ]


def test_pocketsphinx_aligns_the_words_where_they_were_planted() -> None:
    errors = []
    for text in (SENTENCE, COUNT, "Please look at the face and read the words together."):
        speech = speak(text, VoiceOptions(rate=48000, lead_seconds=0.4, tail_seconds=0.5))
        found = forced(text, soxr.resample(speech.samples, 48000, 16000))
        assert [w for w, _, _ in found] == [w.label.lower() for w in speech.words]
        errors += [
            (start - float(word.start), end - float(word.end))
            for (_, start, end), word in zip(found, speech.words, strict=True)
        ]
    far = np.abs(errors)
    assert far.mean(axis=0).max() < 0.030
    assert (far <= 0.05).mean() >= 0.88
    assert far.max() < 0.25


def test_whisper_understands_it() -> None:
    folder = weights.find("whisper-tiny.en")
    if folder is None:
        pytest.skip("Whisper tiny.en is not here: `genlock models fetch whisper-tiny.en`")
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
    right = total = 0
    for text in ("Hello. This is a test card for sound and picture.", COUNT):
        speech = speak(text, VoiceOptions(rate=16000, lead_seconds=0.4, tail_seconds=0.5))
        segments, _ = model.transcribe(speech.samples, language="en", without_timestamps=True)
        heard = " ".join(s.text for s in segments).lower()
        for digit, name in enumerate(["zero", *re.findall(r"[a-z]+", COUNT.lower())]):
            heard = re.sub(rf"\b{digit}\b", name, heard)
        said = re.findall(r"[a-z]+", text.lower())
        right += sum(word in re.findall(r"[a-z]+", heard) for word in said)
        total += len(said)
    assert right >= total - 2


@pytest.mark.parametrize(
    ("text", "message"),
    [("Hello, Wolfgang.", "no pronunciation of 'Wolfgang'"), ("  ", "no words"), ("Look at 3.", "'3'")],
)
def test_what_cannot_be_said_is_named(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        speak(text)


def test_bad_phones_and_options_are_named() -> None:
    with pytest.raises(OptionError, match="'QX' is no ARPAbet phone"):
        SpokenWord("q", ("QX",))
    with pytest.raises(OptionError, match="'K1' is no ARPAbet phone"):
        parse_phone("K1")
    with pytest.raises(OptionError, match="speed=9"):
        VoiceOptions(speed=9)
    with pytest.raises(OptionError, match="no phones"):
        SpokenWord("q", ())


def test_every_phone_can_be_spoken_beside_every_kind_of_other() -> None:
    consonants = [name for name, phone in PHONES.items() if phone.kind not in ("vowel", "silence")]
    vowels = [name for name, phone in PHONES.items() if phone.kind == "vowel"]
    words = [SpokenWord(c, (c, f"{v}1", c)) for c, v in zip(consonants, vowels * 2, strict=False)]
    words += [SpokenWord(v, (f"{v}0",)) for v in vowels]
    speech = speak(words, VoiceOptions(rate=8000))
    assert np.isfinite(speech.samples).all()
    assert np.abs(speech.samples).max() <= 0.62
