"""``genlock bench avsr`` on planted truth: what was planted comes back, and what never looks is at its chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.speech.audiovisual import planted

from genlock.bench import avsr
from genlock.bench.avsr import AvsrBenchOptions, bench_avsr, judge_clips
from genlock.bench.avsr_clips import AVClip, Disturbance
from genlock.bench.avsr_plot import avsr_sheet
from genlock.bench.avsr_shifts import ShiftCase, crop_of, shift_cases, shift_rows
from genlock.bench.avsr_words import BOTH, LIPS, SOUND, UNALIGNED, WordCase, prior_cases, word_rows
from genlock.bench.figures import Row
from genlock.core.errors import FormatError, InputError, MissingModel, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.speech.audiovisual.streams import look


class _Set:
    """Planted clips, one of which cannot be read."""

    def __init__(self, count: int, broken: int | None = None) -> None:
        self._clips = [planted.planted_clip(number) for number in range(count)]
        self.names = [clip.name for clip in self._clips]
        self.speakers = [clip.speaker for clip in self._clips]
        self.texts = [clip.text for clip in self._clips]
        self.left_out: list[str] = []
        self._broken = broken

    def read(self, number: int) -> AVClip:
        if number == self._broken:
            raise InputError("no face is seen")
        return self._clips[number]

    def voice(self, number: int) -> np.ndarray:
        return np.asarray(self._clips[number].sound.values)

    def crowd(self, number: int, seed: int) -> list[np.ndarray]:
        return [self.voice(other) for other in range(len(self.names)) if other != number]


def _shift_cases(model: planted.PlantedModel, count: int, draws: int = 1) -> list[ShiftCase]:
    clips = [planted.planted_clip(number) for number in range(count)]
    pictures = look(model, [clip.mouth.values for clip in clips], [clip.mouth.valid for clip in clips])
    return shift_cases(model, clips, pictures, seed=0, draws=draws)


def _row(rows: Sequence[Row], protocol: str, system: str) -> Row:
    (found,) = [row for row in rows if (row.protocol, row.system) == (protocol, system)]
    return found


def test_a_planted_similarity_is_recovered_exactly_and_who_never_looks_is_at_chance() -> None:
    rows = shift_rows(_shift_cases(planted.PlantedModel(), 60, draws=3))
    real = _row(rows, "P2, 51 candidates", "planted")
    assert real.cases == 180
    assert real.figures["exact"].value == 1.0
    for blind in ("always 0", "random", "seam alone, no sound"):
        exact = _row(rows, "P2, 51 candidates", blind).figures["exact"]
        assert exact.low is not None
        assert exact.low <= 1 / 51 + 0.005
        assert exact.value < 0.06
    # Whoever knows the sign guesses among 26.
    assert _row(rows, "P2, 26 candidates of its sign", "planted").figures["exact"].value == 1.0


def test_a_roll_is_seen_by_who_hears_nothing() -> None:
    rows = shift_rows(_shift_cases(planted.PlantedModel(), 60))
    assert _row(rows, "P2, picture rolled", "seam alone, no sound").figures["exact"].value > 0.85
    assert _row(rows, "P2, 51 candidates", "seam alone, no sound").figures["exact"].value < 0.1


def test_a_model_that_always_says_zero_is_told_so() -> None:
    rows = shift_rows(_shift_cases(planted.PlantedModel(similarity=False), 60))
    assert _row(rows, "P2, 51 candidates", "planted").figures["exact"].value < 0.1


def test_the_sign_of_a_shift_is_that_of_sync() -> None:
    # Sound frame t belongs to picture frame t + k: the sound is early by k.
    draw = np.random.default_rng(3)
    for _ in range(50):
        crop = crop_of(90, 60, draw)
        assert crop is not None
        assert crop.sound - crop.picture == crop.shift
        assert min(crop.sound, crop.picture) >= 0
        assert max(crop.sound, crop.picture) + crop.length <= 90
    assert crop_of(50, 60, draw) is None


def test_a_moved_picture_harms_who_does_not_align_and_no_one_else(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _run(
        monkeypatch, AvsrBenchOptions("planted", shifts=(-12, 0, 12), shift_level=None, noises=())
    ).table
    for shift in ("shift -12, clean", "shift +12, clean"):
        assert _row(rows, f"WER, {shift}", BOTH).figures["WER"].value == 0
        assert _row(rows, f"WER, {shift}", BOTH).figures["moved"].value == 1
        assert _row(rows, f"WER, {shift}", UNALIGNED).figures["WER"].value > 0.3
    assert _row(rows, "WER, shift +0, clean", UNALIGNED).figures["WER"].value == 0
    assert _row(rows, "WER, clean", LIPS).figures["WER"].value == 0
    assert _row(rows, "WER, clean", SOUND).figures["WER"].value == 0


def test_shifts_are_crossed_with_noises(monkeypatch: pytest.MonkeyPatch) -> None:
    how = AvsrBenchOptions(
        "planted",
        shifts=(-12, 0),
        noises=("white", "music"),
        levels=(5.0, -5.0),
        shift_level=-5.0,
        crossed=True,
    )
    rows = _run(monkeypatch, how).table
    pooled = [row for row in rows if row.protocol.startswith("any noise")]
    names = {
        f"any noise, {level}, shift {shift:+d}" for level in ("clean", "5 dB", "-5 dB") for shift in (-12, 0)
    }
    assert {row.protocol for row in pooled} == {*names, "any noise, every level, every shift"}
    clips = _row(rows, "WER, clean", LIPS).cases
    assert _row(rows, "any noise, 5 dB, shift -12", BOTH).cases == 2 * clips
    assert _row(rows, "any noise, every level, every shift", BOTH).cases == 2 * 5 * clips
    assert _row(rows, "any noise, every level, every shift", BOTH).figures["points over sound"].value <= 0
    assert _row(rows, "WER, shift -12, music 5 dB", SOUND).cases == clips
    # What does neither is judged beside one noise only, as ever.
    assert [row.protocol for row in rows if row.system == UNALIGNED] == [
        "WER, shift -12, white -5 dB", "WER, shift +0, white -5 dB",
    ]  # fmt: skip


def test_noise_harms_the_sound_and_the_picture_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _run(
        monkeypatch, AvsrBenchOptions("planted", noises=("white",), levels=(20.0, -5.0), shifts=())
    ).table
    loud, faint = (_row(rows, f"WER, white {level} dB", SOUND).figures["WER"].value for level in (-5, 20))
    assert loud > 0.2 > 0.05 > faint
    both = _row(rows, "WER, white -5 dB", BOTH)
    assert both.figures["WER"].value < loud
    assert both.figures["points over sound"].value == pytest.approx(100 * (both.figures["WER"].value - loud))
    assert 0 < both.figures["less than sound"].value <= 1
    (harm,) = [row for row in rows if row.protocol.startswith("most harm: ")]
    assert harm.figures["points over sound"].value <= 0.0


def _run(
    monkeypatch: pytest.MonkeyPatch, how: AvsrBenchOptions, output: Path | None = None, clips: int = 16
) -> avsr.AvsrBench:
    model = planted.PlantedModel()
    monkeypatch.setattr(avsr, "load_model", lambda folder: model)
    monkeypatch.setattr(avsr, "open_clips", lambda *_: _Set(clips, broken=3))
    return bench_avsr("planted set", how, output)


def test_parts_and_batches_make_the_same_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    how = {"noises": ("babble",), "levels": (0.0,), "shifts": (0, 5), "batch": 4}
    whole = _run(monkeypatch, AvsrBenchOptions("planted", **how))
    files = []
    for part in ("1/3", "2/3", "3/3"):
        files.append(str(tmp_path / f"{part[0]}.json"))
        _run(monkeypatch, AvsrBenchOptions("planted", part=part, **how), Path(files[-1]))
    joined = bench_avsr("planted set", AvsrBenchOptions(join=tuple(files)))
    assert {row.to_dict()["protocol"] for row in joined.table} == {row.protocol for row in whole.table}
    key = lambda case: (case.clip, case.condition, case.system)  # noqa: E731
    assert sorted(joined.cases.words, key=key) == sorted(whole.cases.words, key=key)
    assert sorted(joined.cases.shifts, key=repr) == sorted(whole.cases.shifts, key=repr)
    assert any("clip3: no face is seen" in why for why in joined.cases.left_out)
    with pytest.raises(FormatError, match="two runs judged"):
        bench_avsr("planted set", AvsrBenchOptions(join=(files[0], files[0])))


def test_a_run_is_kept_and_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    how = AvsrBenchOptions("planted", quick=True, plot=str(tmp_path / "wer.svg"))
    done = _run(monkeypatch, how, tmp_path / "run.json", clips=6)
    drawn = (tmp_path / "wer.svg").read_text()
    for word in ("white", "babble", "music", "frames by which the sound is early", "both, not aligned"):
        assert word in drawn
    assert len(avsr_sheet(done.table, "").shapes) > 20
    assert done.to_dict()["run"]["clips"] == 5
    assert "left out: clip3: no face is seen" in str(done)


def test_speakers_who_are_named_are_judged_and_no_one_else(monkeypatch: pytest.MonkeyPatch) -> None:
    how = {"noises": (), "shifts": ()}
    done = _run(monkeypatch, AvsrBenchOptions("planted", speakers=("s1",), **how), clips=6)
    assert {case.speaker for case in done.cases.words} == {"s1"}
    assert done.card["clips"] == 2
    with pytest.raises(OptionError, match="'s7'; there are: s0, s1"):
        _run(monkeypatch, AvsrBenchOptions("planted", speakers=("s7",), **how), clips=6)


def test_seeds_of_one_model_are_told_apart() -> None:
    def case(model: str, clip: str, errors: int) -> WordCase:
        return WordCase(model, clip, "s1", "clean", SOUND, errors, 4, "")

    (row,) = word_rows([case("a", "x", 0), case("a", "y", 1), case("b", "x", 2), case("b", "y", 1)], 0)
    assert row.figures["WER"].value == pytest.approx(4 / 16)
    assert (row.figures["lowest seed"].value, row.figures["highest seed"].value) == (1 / 8, 3 / 8)


def test_what_needs_no_look_is_told_beside_it() -> None:
    cases = prior_cases("m", ["a", "b"], ["", ""], ["set red now", "set red now"])
    assert {case.system: case.errors for case in cases} == {"another clip's text": 0, "likeliest words": 0}
    assert prior_cases("m", ["a"], [""], ["set red now"]) == []


def test_options_that_cannot_be_are_refused() -> None:
    for wrong in (
        {"levels": (90.0,)},
        {"shifts": (26,)},
        {"part": "3/2"},
        {"part": "x"},
        {"processes": 0},
        {"limit": 0},
        {"plot": "wer.pdf"},
        {"seed": -1},
        {"draws": 0},
    ):
        with pytest.raises(OptionError):
            AvsrBenchOptions(**wrong)
    with pytest.raises(MissingModel, match="--model"):
        bench_avsr("anywhere", AvsrBenchOptions())


def test_a_clip_too_short_for_a_shift_has_words_all_the_same() -> None:
    model = planted.PlantedModel()
    short = planted.planted_clip(1, frames=50)
    clips = _Set(1)
    clips._clips = [short]
    ((_, cases),) = judge_clips(model, clips, [[0]], AvsrBenchOptions("planted", shifts=(), noises=()))
    assert cases.shifts == ()
    assert {case.system for case in cases.words} == {SOUND, LIPS, BOTH, "neither"}


def test_noise_is_drawn_by_the_clip_and_the_seed_alone() -> None:
    sound = Track(np.sin(np.arange(48000) / 7).astype(np.float32), Grid.of_samples(16000))
    mouth = Track(np.zeros((75, 16, 16), np.uint8), Grid(25), np.ones(75, bool))
    one, same = (AVClip("a", "", "", sound, mouth) for _ in range(2))
    other = AVClip("b", "", "", sound, mouth)
    noisy = Disturbance("white", 0.0)
    assert np.array_equal(one.heard(noisy), same.heard(noisy))
    assert not np.array_equal(one.heard(noisy), other.heard(noisy))
    assert not np.array_equal(one.heard(noisy), one.heard(noisy, seed=1))
    assert one.heard().shape == (75, 104)
