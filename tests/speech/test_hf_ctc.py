"""Recognition and alignment with a CTC checkpoint, from the sound on.

The checkpoint in tests/data/tone_ctc is a wav2vec2-CTC that really recognises a language: of tones, whose
times are planted.
"""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.core.errors import InputError, MissingModel, OptionError, OutputError
from genlock.speech import TrackSound, recognize_and_align
from genlock.testing.tones import ToneSpeech, random_words, speak_tones

torch = pytest.importorskip("torch", reason="speech models need the extra genlock[models]")
pytest.importorskip("transformers", reason="speech models need the extra genlock[models]")

from genlock.aligners.ctc.words import CtcOptions  # noqa: E402
from genlock.speech.ctc.checkpoint import HfCtc  # noqa: E402
from genlock.speech.ctc.decode import Alphabet, BeamDecoder, GreedyDecoder  # noqa: E402
from genlock.speech.ctc.options import CtcModelOptions  # noqa: E402

MODEL = str(Path(__file__).parents[1] / "data" / "tone_ctc")
RATE = 16000


def sound_of(samples: np.ndarray, origin: Fraction = Fraction(0)) -> TrackSound:
    return TrackSound(Track(np.asarray(samples, np.float32), Grid.of_samples(RATE, origin, "test")))


@pytest.fixture(scope="module")
def minute() -> ToneSpeech:
    """A good minute of tones, 120 words."""
    random = np.random.default_rng(5)
    return speak_tones(random_words(120, random), random)


@pytest.fixture(scope="module")
def model() -> HfCtc:
    return HfCtc(CtcModelOptions(MODEL))


def middles(spans: np.ndarray) -> np.ndarray:
    return spans.mean(axis=1) / RATE


def test_words_and_times_are_those_that_were_planted(minute: ToneSpeech) -> None:
    origin = Fraction(7, 5)
    words = recognize_and_align(sound_of(minute.samples, origin), model=CtcModelOptions(MODEL))
    assert (words.recognizer, words.aligner) == ("hf-ctc", "ctc")
    assert [w.text for w in words] == list(minute.words)
    starts = np.array([float(w.start - origin) for w in words]) - minute.word_spans[:, 0] / RATE
    ends = np.array([float(w.end - origin) for w in words]) - minute.word_spans[:, 1] / RATE
    # A frame is 20 ms: half of it is what reading a frame's edge costs, the rest is the model's.
    assert abs(np.median(starts)) < 0.012
    assert np.abs(starts).max() < 0.05
    assert abs(np.median(ends)) < 0.02
    assert all(w.confidence > 0.5 for w in words)


def test_whole_and_in_chunks_say_the_same(minute: ToneSpeech) -> None:
    """Must show 5: at least 99 % of the words equal, none cut at a border; cuts of 10 s garble theirs."""
    sound = sound_of(minute.samples)
    whole = recognize_and_align(sound, model=CtcModelOptions(MODEL, chunk_seconds=1000))
    pieces = recognize_and_align(sound, model=CtcModelOptions(MODEL, chunk_seconds=5, context_seconds=1))
    assert [w.text for w in pieces] == [w.text for w in whole]
    assert max(abs(a.start - b.start) for a, b in zip(whole, pieces, strict=True)) <= Fraction(1, 50)


def test_cuts_without_context_garble_the_words_at_the_cuts(minute: ToneSpeech, model: HfCtc) -> None:
    cuts = range(0, len(minute.samples), 5 * RATE)
    said = []
    for first in cuts:
        with model.listen(sound_of(minute.samples[first : first + 5 * RATE])) as heard:
            said += [word.text for word in heard.decode()]
    inside = sum(bool(((minute.word_spans[:, 0] < c) & (c < minute.word_spans[:, 1])).any()) for c in cuts)
    assert inside >= 3, "some cut must fall into a word for this to say anything"
    assert said != list(minute.words)


def test_frames_are_the_same_frames_whatever_the_chunks(minute: ToneSpeech) -> None:
    """One row a frame, none lost or doubled at a border, and nearly the same numbers."""
    sound = sound_of(minute.samples[: 20 * RATE + 77])
    with HfCtc(CtcModelOptions(MODEL, chunk_seconds=100)).listen(sound) as whole:
        expected = whole.emissions.read(0, whole.emissions.frames)
    for chunk, batch in ((1, 1), ("1.234", 3), (7, 2)):
        options = CtcModelOptions(MODEL, chunk_seconds=chunk, context_seconds=2, batch=batch)
        with HfCtc(options).listen(sound) as pieces:
            rows = pieces.emissions.read(0, pieces.emissions.frames)
        assert len(rows) == (sound.count - 400) // 320 + 1 == len(expected)
        assert np.abs(np.exp(rows) - np.exp(expected)).mean() < 0.01


def test_a_transcript_is_aligned_by_the_model(minute: ToneSpeech) -> None:
    texts = list(minute.words[:30])
    part = minute.samples[: minute.word_spans[29, 1] + 2000]
    said = " ".join([*texts[:10], "abcabcabc", *texts[10:20], *texts[21:]])
    words = recognize_and_align(sound_of(part), transcript=said, model=CtcModelOptions(MODEL), language="eo")
    assert (words.recognizer, words.aligner) == (None, "ctc")
    assert words[10].start is None
    assert "fits better" in words[10].reason
    kept = [w for k, w in enumerate(words) if k != 10]
    spans = np.delete(minute.word_spans[:30], 20, axis=0) / RATE
    off = np.array([float(w.start) for w in kept]) - spans[:, 0]
    assert np.abs(off).max() < 0.05


def test_characters(minute: ToneSpeech, model: HfCtc) -> None:
    part = sound_of(minute.samples[: minute.word_spans[9, 1] + 1000])
    with model.listen(part) as heard:
        found = heard.align_texts(minute.words[:10])
    letters = [span for span in found.characters if span.label != "|"]
    truth = minute.letter_spans[: len(letters)]
    assert "".join(span.label for span in letters) == "".join(minute.words[:10])
    off = np.array([float((s.start + s.end) / 2) for s in letters]) - middles(truth)
    assert np.abs(off).max() < 0.045


def test_the_models_own_bias_is_taken_off(minute: ToneSpeech, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(MODEL, tmp_path / "late")
    (copy / "genlock.json").write_text('{"bias_seconds": "0.030"}')
    part = sound_of(minute.samples[: 5 * RATE])
    as_is = recognize_and_align(part, model=CtcModelOptions(MODEL))
    late = recognize_and_align(part, model=CtcModelOptions(str(copy)))
    assert {a.start - b.start for a, b in zip(as_is, late, strict=True)} == {Fraction(3, 100)}
    (copy / "genlock.json").write_text('{"widen_seconds": "0.004"}')
    wide = recognize_and_align(part, model=CtcModelOptions(str(copy)))
    assert {a.start - b.start for a, b in zip(as_is, wide, strict=True)} == {Fraction(4, 1000)}
    assert {b.end - a.end for a, b in zip(as_is, wide, strict=True)} == {Fraction(4, 1000)}


def test_numbers_are_tried_in_every_way_to_say_them(model: HfCtc) -> None:
    """Of several spoken forms the one that sounds is placed; the written word keeps its text."""
    from genlock.speech.text import Token

    random = np.random.default_rng(1)
    said = speak_tones(["abc", "hig", "de"], random)
    tokens = [Token("abc", (("abc",),)), Token("7", (("lk",), ("hig",), ("f", "e"))), Token("de", (("de",),))]
    with model.listen(sound_of(said.samples)) as heard:
        placed = heard.align(tokens)
    assert abs(float(placed[1].start) - said.word_spans[1, 0] / RATE) < 0.05
    assert placed[1].confidence > 0.5


def test_beam_search_agrees_where_the_model_is_sure_and_a_language_model_decides_where_not(
    minute: ToneSpeech, tmp_path: Path
) -> None:
    pytest.importorskip("ctc_beam_decoder", reason="beam search needs the extra genlock[beam]")
    sound = sound_of(minute.samples)
    greedy = recognize_and_align(sound, model=CtcModelOptions(MODEL))
    beam = recognize_and_align(sound, model=CtcModelOptions(MODEL, beam=20))
    assert [w.text for w in beam] == [w.text for w in greedy]
    letters = Alphabet.of({"<pad>": 0, "|": 1, "a": 2, "b": 3}, 0, "|")
    rows = np.log(
        np.array([[0.04, 0.01, 0.5, 0.45], [0.97, 0.01, 0.01, 0.01], [0.01, 0.01, 0.01, 0.97]], np.float32)
    )
    model = tmp_path / "two.arpa"
    model.write_text(
        "\\data\\\nngram 1=5\nngram 2=1\n\n\\1-grams:\n-1.0\t<unk>\t0\n0\t<s>\t0\n"
        "-0.5\t</s>\t0\n-4.0\tab\t0\n-0.3\tbb\t0\n\n\\2-grams:\n-0.1\t<s> bb\n\n\\end\\\n"
    )
    assert [w.text for w in BeamDecoder(letters, 10).words(rows)] == ["ab"]
    assert [w.text for w in BeamDecoder(letters, 10, model).words(rows)] == ["bb"]


def test_beam_search_in_pieces_is_beam_search(minute: ToneSpeech, model: HfCtc) -> None:
    pytest.importorskip("ctc_beam_decoder", reason="beam search needs the extra genlock[beam]")
    with model.listen(sound_of(minute.samples)) as heard:
        at_once, piecewise = BeamDecoder(model.alphabet, 10), BeamDecoder(model.alphabet, 10)
        piecewise.most_frames = 200
        expected = at_once.decode(heard.emissions)
        found = piecewise.decode(heard.emissions)
        simple = GreedyDecoder(model.alphabet).decode(heard.emissions)
    assert [w.text for w in found] == [w.text for w in expected] == [w.text for w in simple]
    for others in (expected, simple):
        assert max(abs(a.first_frame - b.first_frame) for a, b in zip(others, found, strict=True)) <= 2


def test_an_interrupted_run_goes_on_where_it_was(minute: ToneSpeech, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    sound, kept = sound_of(minute.samples), tmp_path / "talk.emissions"
    options = CtcModelOptions(MODEL, chunk_seconds=5, context_seconds=1, keep=str(kept))
    expected = recognize_and_align(sound, model=CtcModelOptions(MODEL, chunk_seconds=5, context_seconds=1))

    def stop_halfway(stage: str, done: float, total: float) -> None:
        if stage == "recognise" and done > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recognize_and_align(sound, model=options, progress=stop_halfway)
    # A row that was cut in the middle is computed again.
    with kept.open("ab") as file:
        file.write(b"\x00\x01\x02")
    seen: list[float] = []
    words = recognize_and_align(sound, model=options, progress=lambda stage, done, total: seen.append(done))
    assert min(seen) > 30
    assert words.to_dict() == expected.to_dict()
    # Another sound does not take them; a file of another kind is left alone.
    other = recognize_and_align(sound_of(minute.samples[: 4 * RATE]), model=options)
    assert [w.text for w in other][:5] == list(minute.words[:5])
    kept.write_text("my diary")
    with pytest.raises(OutputError, match="a file of another kind"):
        recognize_and_align(sound, model=options)
    assert kept.read_text() == "my diary"


def test_long_sound_is_read_in_pieces_and_never_as_a_whole() -> None:
    """Ten minutes, made as they are read: no read is longer than a chunk with its context, or half a
    minute."""
    random = np.random.default_rng(8)
    base = speak_tones(random_words(30, random), random)

    class Endless:
        rate, origin, clock = RATE, Fraction(0), "test"
        count = 10 * 60 * RATE
        longest = 0

        def samples(self, first: int, stop: int) -> np.ndarray:
            Endless.longest = max(Endless.longest, stop - first)
            return base.samples[np.arange(first, min(stop, self.count)) % len(base.samples)]

    words = recognize_and_align(Endless(), model=CtcModelOptions(MODEL))
    assert Endless.longest <= 30 * RATE
    once = recognize_and_align(sound_of(base.samples), model=CtcModelOptions(MODEL))
    expected = len(once) * Endless.count / len(base.samples)
    assert abs(len(words) - expected) < 0.02 * expected


def test_bad_sound() -> None:
    options = CtcModelOptions(MODEL)
    broken = np.zeros(RATE, np.float32)
    broken[8000] = np.nan
    with pytest.raises(InputError, match=r"nan at 1\.500000 s \(sample 8000\)"):
        recognize_and_align(sound_of(broken, Fraction(1)), model=options)
    short = recognize_and_align(sound_of(np.ones(399)), model=options)
    assert (len(short), short.reason) == (0, "the sound is too short: the model needs at least 400 samples")
    short = recognize_and_align(sound_of(np.ones(10)), transcript="abc de", model=options)
    assert [w.reason for w in short] == [short.reason] * 2
    silent = recognize_and_align(sound_of(np.zeros(RATE)), model=options)
    assert (len(silent), silent.reason) == (0, "the sound is silent here")
    silent = recognize_and_align(sound_of(np.zeros(RATE)), transcript="abc", model=options)
    assert silent[0].reason == "the sound is silent here"


def test_text_that_cannot_be_in_the_sound(minute: ToneSpeech) -> None:
    part = sound_of(minute.samples[: 2 * RATE])
    words = recognize_and_align(part, transcript="abc " * 100, model=CtcModelOptions(MODEL), language="eo")
    assert len(words) == 100
    assert sum(w.start is None for w in words) >= 90
    assert "words were not found" in words.reason
    foreign = recognize_and_align(part, transcript="?? xyz", model=CtcModelOptions(MODEL), language="eo")
    assert len(foreign) == 2
    assert all(w.reason for w in foreign if w.start is None)


def test_options_that_do_not_fit_together(tmp_path: Path) -> None:
    sound = sound_of(np.zeros(RATE))
    for kind in ({"recognizer": "hf-ctc"}, {"aligner": "ctc"}):
        with pytest.raises(MissingModel, match="--model FOLDER"):
            recognize_and_align(sound, transcript="abc", **kind)
    with pytest.raises(MissingModel, match="--model FOLDER"):
        HfCtc(CtcModelOptions())
    with pytest.raises(OptionError, match="a language model needs a beam search"):
        CtcModelOptions(MODEL, language_model="x.arpa")
    with pytest.raises(OptionError, match="a beam is at least 0"):
        CtcModelOptions(MODEL, beam=-1)
    pytest.importorskip("ctc_beam_decoder", reason="beam search needs the extra genlock[beam]")
    with pytest.raises(MissingModel, match="there is no language model"):
        HfCtc(CtcModelOptions(MODEL, beam=5, language_model=str(tmp_path / "no.arpa")))


def test_alignment_options_reach_the_aligner(minute: ToneSpeech, model: HfCtc) -> None:
    with model.listen(sound_of(minute.samples[: 4 * RATE])) as heard:
        found = heard.align_texts(minute.words[:4], CtcOptions(longest_word_seconds=Fraction(1, 100)))
    assert all("more than 0.01" in word.reason for word in found.words)


def test_from_a_file(minute: ToneSpeech, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    import json

    import soundfile

    import genlock
    from genlock.cli import main

    path = tmp_path / "tones.wav"
    soundfile.write(path, minute.samples[: minute.word_spans[9, 1] + 3000], RATE, subtype="FLOAT")
    words = genlock.words(path, model=MODEL)
    assert [w.text for w in words] == list(minute.words[:10])
    command = ["words", str(path), "--model", MODEL, "--resume", str(tmp_path / "kept"), "--json"]
    for _ in range(2):
        assert main(command) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["recognizer"], found["aligner"]) == ("hf-ctc", "ctc")
        assert [w["text"] for w in found["words"]] == list(minute.words[:10])
    assert main(["words", str(path), "--recognizer", "hf-ctc"]) == MissingModel.exit_status
    assert main(["words", str(path), "--beam", "5"]) == 2
    assert "--model" in capsys.readouterr().err
    clip = genlock.align(path, model=MODEL, feature="energy")
    assert [w.text for w in clip.words] == list(minute.words[:10])


@pytest.mark.parametrize("kind", ["ctc-layer", "ctc-group", "ctc-hubert"])
def test_chunks_that_see_everything_are_the_model_on_the_whole(kind: str, tmp_path: Path) -> None:
    """Reused convolutions and the clip's norm change nothing, for either norm and another architecture."""
    spec = importlib.util.spec_from_file_location(
        "checkpoints", Path(__file__).parents[1] / "models" / "checkpoints.py"
    )
    assert spec is not None
    assert spec.loader is not None
    checkpoints = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checkpoints)
    folder = checkpoints.write_checkpoint(tmp_path, kind)
    samples = (0.3 * np.random.default_rng(0).standard_normal(6 * RATE + 99)).astype(np.float32)
    encoder = HfCtc(CtcModelOptions(str(folder))).encoder
    mean, deviation = encoder.clip_statistics(lambda a, b: samples[a:b], len(samples))
    expected = encoder.log_probabilities(encoder.prepared(samples, mean, deviation)[None])[0]
    for batch in (1, 3):
        options = CtcModelOptions(str(folder), chunk_seconds=1, context_seconds=9, batch=batch)
        with HfCtc(options).listen(sound_of(samples)) as heard:
            found = heard.emissions.read(0, heard.emissions.frames)
        np.testing.assert_allclose(found, expected, atol=2e-3)
