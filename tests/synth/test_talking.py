"""The card as a file: what was planted is found again behind H.264 and AAC, by PyAV and arithmetic alone."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.core.errors import FormatError, OptionError, OutputError
from genlock.core.grid import Ticks
from genlock.core.json_forms import write_json
from genlock.media import frame_cells, read_audio
from genlock.synth import CardOptions, CardTruth, load_truth, make_card, render_card
from genlock.synth.card.barcode import read_number

SHORT = CardOptions(
    width=320,
    height=180,
    rate=25,
    duration_seconds="3.7",
    lines=(("0.6", "Please move my lips."), ("2.6", "Beep.")),
    flashes=("0.413", "2.3234", "3.5"),
)

CARDS = {
    "plain.mp4": SHORT,
    "ntsc, sound early.mp4": replace(SHORT, rate="29.97", offset_seconds="0.123"),
    "sound starts late.mkv": replace(SHORT, rate="24000/1001", sound_start="0.31", offset_seconds="-0.077"),
    "picture starts late.mp4": replace(SHORT, rate=60, width=160, height=120, picture_start="1.25"),
    "variable.mp4": replace(SHORT, rate=30, variable_rate=True, offset_seconds="0.05"),
    "odd rate.mov": replace(SHORT, rate="21.5", sound_rate=44100, picture_start="0.2"),
    "variable.mkv": replace(SHORT, rate=25, variable_rate=True, sound_rate=32000),
}


class Shot:
    """A card, its truth, and the frames that an independent decoder makes of it."""

    def __init__(self, path: Path, options: CardOptions) -> None:
        self.path, self.options = path, options
        self.truth: CardTruth = make_card(path, options)
        with av.open(str(path)) as container:
            pictures = list(container.decode(video=0))
        self.instants = [picture.pts * picture.time_base for picture in pictures]
        self.frames = [picture.to_ndarray(format="rgb24") for picture in pictures]


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shot]:
    folder = tmp_path_factory.mktemp("cards")
    return {name: Shot(folder / name, options) for name, options in CARDS.items()}


@pytest.fixture(params=list(CARDS))
def shot(request: pytest.FixtureRequest, shots: dict[str, Shot]) -> Shot:
    return shots[request.param]


def flash_level(frame: np.ndarray) -> float:
    height, width = frame.shape[:2]
    scale = min(width / 640, height / 360)
    x, y = (width - 640 * scale) / 2 + 540 * scale, (height - 360 * scale) / 2 + 116 * scale
    reach = round(30 * scale)
    return float(frame[round(y) - reach : round(y) + reach, round(x) - reach : round(x) + reach].mean())


def test_every_frame_carries_its_number_and_its_instant(shot: Shot) -> None:
    assert [read_number(frame) for frame in shot.frames] == list(range(shot.truth.frame_count))
    # Matroska counts milliseconds; the others hold every instant exactly.
    coarse = Fraction(1, 2000) if shot.path.suffix == ".mkv" else 0
    for k, instant in enumerate(shot.instants):
        assert abs(instant - shot.truth.cells.edge(k)) <= coarse, k


def test_our_reader_gives_the_planted_cells(shot: Shot) -> None:
    cells, count = frame_cells(shot.path)
    assert count == shot.truth.frame_count
    assert cells.clock == shot.truth.clock
    np.testing.assert_allclose(cells.centers(count), shot.truth.cells.centers(count), atol=0.0011)
    if not isinstance(shot.truth.cells, Ticks):
        assert not isinstance(cells, Ticks)
        assert cells.rate == shot.truth.cells.rate


def test_each_flash_begins_in_the_frame_that_contains_its_instant(shot: Shot) -> None:
    lit = np.array([flash_level(frame) for frame in shot.frames]) > 128
    onsets = np.flatnonzero(lit[1:] & ~lit[:-1]) + 1
    assert tuple(onsets.tolist()) == shot.truth.flash_frames
    for frame, flash in zip(onsets.tolist(), shot.truth.flashes, strict=True):
        assert shot.truth.cells.edge(frame) <= flash.start < shot.truth.cells.edge(frame + 1)


def test_each_beep_begins_within_a_millisecond(shot: Shot) -> None:
    track = read_audio(shot.path, rate=shot.options.sound_rate)
    sound = np.abs(track.values.reshape(len(track), -1)[:, 0])
    for beep, flash in zip(shot.truth.beeps, shot.truth.flashes, strict=True):
        first = max(track.grid.index(beep.start - Fraction(1, 50), "floor"), 0)
        loud = first + int(np.argmax(sound[first : first + shot.options.sound_rate // 10] > 0.12))
        # A sine of 1 kHz at 0.4 passes 0.12 after 0.05 ms.
        assert abs(track.grid.center(loud) - beep.start - Fraction(1, 20000)) < Fraction(1, 1000)
        assert flash.start - beep.start == Fraction(shot.options.offset_seconds)


def test_the_sound_has_its_start_and_length(shot: Shot) -> None:
    track = read_audio(shot.path, rate=shot.options.sound_rate)
    period = Fraction(1, shot.options.sound_rate)
    coarse = Fraction(1, 1000) if shot.path.suffix == ".mkv" else period / 2
    assert abs(track.grid.center(0) - shot.truth.sound_start) <= coarse
    assert 0 <= len(track) - shot.truth.sound_samples <= 2048  # AAC fills its last block
    assert sum(p.duration for p in shot.truth.phones) == shot.truth.sound_samples * period
    assert shot.truth.phones[0].start == shot.truth.sound_start


def mouth_area(frame: np.ndarray) -> int:
    """How many pixels are the dark red of an open mouth, its tongue or its teeth."""
    height, width = frame.shape[:2]
    scale = min(width / 640, height / 360)
    left, top = (width - 640 * scale) / 2, (height - 360 * scale) / 2
    rows = slice(round(top + 164 * scale), round(top + 201 * scale))
    columns = slice(round(left + 296 * scale), round(left + 344 * scale))
    red, green, blue = np.moveaxis(frame[rows, columns].astype(int), 2, 0)
    inside = (red < 135) & (green < 75)
    teeth = (green > 215) & (blue > 205)
    return int((inside | teeth).sum())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    options = replace(SHORT, width=960, height=540, rate="29.97", show_words=False, offset_seconds="0.2")
    return Shot(tmp_path_factory.mktemp("large") / "card.mp4", options)


def test_the_mouth_is_shut_in_the_lip_sounds_and_follows_the_truth(large: Shot) -> None:
    truth = large.truth
    areas = np.array([mouth_area(frame) for frame in large.frames])
    centers = [truth.cells.center(k) for k in range(truth.frame_count)]
    shut = [k for k, center in enumerate(centers) if truth.closures.at(center)]
    assert len(shut) >= 5
    assert {truth.closures.at(centers[k]).label for k in shut} == {"P", "B", "M"}
    np.testing.assert_array_equal(truth.aperture.values[shut], 0.0)
    assert areas[shut].max() <= 3
    opening = truth.aperture.values * (0.5 + 0.5 * truth.mouth_width.values)
    assert np.corrcoef(areas, opening)[0, 1] > 0.95
    # Seen, not heard: the mouth moves 200 ms after the sound.
    heard = truth.closures.shifted(-truth.offset_seconds)
    for phone in truth.phones:
        if phone.label == "M":
            assert any(c.start == phone.start and c.end == phone.end for c in heard)


def test_the_hand_points_where_the_middle_of_the_frame_lies(large: Shot) -> None:
    scale = 960 / 640
    for k in (3, 20, 47, 80, 101):
        patch = large.frames[k][
            round(48 * scale) : round(184 * scale), round(32 * scale) : round(168 * scale)
        ]
        red, green, blue = np.moveaxis(patch.astype(float), 2, 0)
        ys, xs = np.nonzero((red > 200) & (green > 130) & (blue < 120))
        x, y = xs / scale + 32 - 100, ys / scale + 48 - 116
        far = np.hypot(x, y)
        outer = (far > 20) & (far < 40)  # beyond the hub, before the fading tail
        turn = math.atan2(x[outer].mean(), -y[outer].mean()) / (2 * math.pi) % 1
        wrong = (turn - large.truth.hand_turns.values[k] + 0.5) % 1 - 0.5
        assert abs(wrong) < 0.006, k  # 6 ms; half a frame would be 17


def test_two_runs_are_equal(shots: dict[str, Shot], tmp_path: Path) -> None:
    first = shots["variable.mp4"]
    again = Shot(tmp_path / "variable.mp4", first.options)
    assert first.path.read_bytes() == again.path.read_bytes()
    assert first.truth.to_dict() == again.truth.to_dict()


def test_truth_is_saved_and_read(shot: Shot, tmp_path: Path) -> None:
    shot.truth.save(tmp_path / "truth.json")
    again = load_truth(tmp_path / "truth.json")
    assert again.to_dict() == shot.truth.to_dict()
    assert again.words == shot.truth.words
    assert again.cells == shot.truth.cells
    np.testing.assert_array_equal(again.aperture.values, shot.truth.aperture.values)


def test_foreign_truth_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "other.json", {"kind": "spans"})
    with pytest.raises(FormatError, match="not the truth of a test card"):
        load_truth(tmp_path / "other.json")
    write_json(tmp_path / "cut.json", {"kind": "card truth"})
    with pytest.raises(FormatError, match="damaged"):
        load_truth(tmp_path / "cut.json")


def test_a_planted_offset_moves_all_the_sound_and_none_of_the_picture() -> None:
    still, _, before = render_card(SHORT)
    moved, _, after = render_card(replace(SHORT, offset_seconds="0.1"))
    np.testing.assert_array_equal(still.mouth_width.values, moved.mouth_width.values)
    np.testing.assert_allclose(still.aperture.values, moved.aperture.values, atol=1e-6)
    assert still.flashes == moved.flashes
    assert [w.start - Fraction(1, 10) for w in still.words] == [w.start for w in moved.words]
    # The room's noise stays where it is: nearly equal, not equal.
    assert np.corrcoef(before[4800:], after[:-4800])[0, 1] > 0.999


def test_the_default_card_is_in_order() -> None:
    truth, _, samples = render_card()
    assert truth.frame_count == 375
    assert len(samples) == truth.sound_samples == 600000
    assert truth.transcript.startswith("Genlock puts the sound")
    assert np.abs(samples).max() < 0.95
    # Beeps and words do not cover each other.
    for beep in truth.beeps:
        assert len(truth.words.between(beep.start - Fraction(1, 50), beep.end)) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lines": (("3.5", "Please move my lips."),)}, "make the card longer"),
        ({"lines": (("0", "Move."),), "offset_seconds": 1}, "there is room from 0.000"),
        ({"flashes": ("3.69",)}, "flash 1"),
        ({"flashes": ("0.01",), "offset_seconds": "0.5"}, "flash 1"),
        ({"variable_rate": True, "picture_start": "1/7"}, "multiple of 1/90000"),
        ({"width": 321}, "not possible"),
    ],
)
def test_options_that_do_not_fit_each_other(changes: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        make_card(tmp_path / "card.mp4", replace(SHORT, **changes))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": 0},
        {"duration_seconds": 0},
        {"flashes": ("1", "1.05")},
        {"seed": -1},
        {"quality": 99},
        {"sound_rate": 10},
        {"flash_seconds": 0},
        {"sound_start": -1},
        {"picture_start": "-0.1"},
        {"rate": 900, "duration_seconds": 4000},
    ],
)
def test_options_out_of_range(changes: dict) -> None:
    with pytest.raises(OptionError):
        replace(SHORT, **changes)


def test_nothing_is_left_of_a_card_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="must end in"):
        make_card(tmp_path / "card.avi", SHORT)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        make_card(tmp_path / "file" / "card.mp4", SHORT)
    assert os.listdir(tmp_path) == ["file"]
