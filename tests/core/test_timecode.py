"""SMPTE timecode: every frame of a day, against its definition and against two other libraries."""

from __future__ import annotations

from fractions import Fraction

import pytest

from genlock.core import Timecode
from genlock.core.errors import OptionError

NTSC30, NTSC60, FILM = Fraction(30000, 1001), Fraction(60000, 1001), Fraction(24000, 1001)


KINDS = [
    (NTSC30, True),
    (NTSC60, True),
    (Fraction(25), False),
    (Fraction(24), False),
    (FILM, False),
    (NTSC30, False),
]


def check_minutes(rate: Fraction, drop: bool, minutes: range) -> None:
    """All labels of these minutes, straight from the rule: which numbers a minute leaves out."""
    nominal = round(rate)
    mark, left_out = (";", nominal // 15) if drop else (":", 0)
    for minute in minutes:
        frame = 60 * nominal * minute - left_out * (minute - -(-minute // 10))
        for second in range(60):
            head = f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}{mark}"
            for number in range(left_out if second == 0 and minute % 10 else 0, nominal):
                label = f"{head}{number:02d}"
                assert str(Timecode(frame, rate, drop)) == label
                assert Timecode.parse(label, rate).frame == frame
                frame += 1
    if minutes.stop == 1440 and minutes.step == 1:
        assert frame == 24 * 3600 * nominal - left_out * 54 * 24


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "drop"), KINDS)
def test_every_frame_of_a_day_round_trips(rate: Fraction, drop: bool) -> None:
    check_minutes(rate, drop, range(1440))


@pytest.mark.parametrize(("rate", "drop"), KINDS)
def test_frames_of_a_day_round_trip(rate: Fraction, drop: bool) -> None:
    """The first minutes, the last, and every 263rd between, at changing places in the blocks of ten."""
    for minutes in (range(2), range(9, 11), range(12, 1438, 263), range(1439, 1440)):
        check_minutes(rate, drop, minutes)


@pytest.mark.parametrize(("rate", "frames"), [(NTSC30, 2), (NTSC60, 4)])
def test_drop_frame_labels_follow_the_wall_clock(rate: Fraction, frames: int) -> None:
    """Within a ten-minute block the label is off by up to the numbers of one skip, and over a day it gains
    2.6 (5.2) frames, because 1001/1000 is not quite what leaving out 18 of 18,000 numbers makes up for.
    """
    nominal, worst, day = round(rate), Fraction(0), 24 * 3600
    for second in [*range(0, day, 7), *range(0, day, 60), *range(59, day, 60), *range(day - 700, day)]:
        head = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d};"
        first = frames if second % 60 == 0 and second // 60 % 10 else 0
        true = Timecode.parse(f"{head}{first:02d}", rate).seconds
        worst = max(worst, abs(true - second - Fraction(first, nominal)))
    assert worst * rate < frames + Fraction(26 * nominal // 30, 10)
    # The plain labels fall behind by 86 s a day.
    plain = Timecode.parse("23:59:59:00", rate).seconds - (day - 1)
    assert 86 < plain < 87


def test_known_labels() -> None:
    for frame, label in (
        (1799, "00:00:59;29"),
        (1800, "00:01:00;02"),
        (17982, "00:10:00;00"),
        (107892, "01:00:00;00"),
    ):
        assert str(Timecode(frame, NTSC30, True)) == label
    assert Timecode.parse("01:00:00:00", "29.97").seconds == Fraction(3600 * 1001, 1000)
    assert Timecode.parse("10:00:00.00", "29.97") == Timecode(1078920, NTSC30, True)
    assert Timecode(30, "29.97").rate == NTSC30  # type: ignore[arg-type]
    assert isinstance(Timecode(30, 25).seconds, Fraction)  # type: ignore[arg-type]
    assert str(Timecode(119, Fraction(120))) == "00:00:00:119"


@pytest.mark.parametrize(
    ("label", "rate"),
    [
        ("00:01:00;00", "29.97"),
        ("00:01:00;01", "29.97"),
        ("00:09:00;01", "29.97"),
        ("00:01:00;03", "59.94"),
        ("00:00:01;00", "23.976"),
        ("00:00:01;00", 25),
        ("00:00:00:00", "0.2"),
        ("00:00:00:25", 25),
        ("00:00:60:00", 25),
        ("00:60:00:00", 25),
        ("0:00:00:00", 25),
        ("", 25),
        ("00:00:00,00", 25),
        ("1.5", 25),
    ],
)
def test_labels_that_no_frame_has_are_refused(label: str, rate: object) -> None:
    with pytest.raises(OptionError):
        Timecode.parse(label, rate)  # type: ignore[arg-type]


def test_frames_below_zero_and_drop_frame_elsewhere_are_refused() -> None:
    with pytest.raises(OptionError, match="below zero"):
        Timecode(-1, Fraction(25))
    with pytest.raises(OptionError, match="drop-frame"):
        Timecode(0, Fraction(25), drop=True)
    with pytest.raises(OptionError, match="whole frames"):
        Timecode(0, Fraction(1, 4))


FRAMES = [*range(4000), *range(17900, 18100), *range(107800, 108000), *range(0, 2160000, 7919)]


@pytest.mark.parametrize(
    ("name", "rate", "drop"), [("29.97", NTSC30, True), ("59.94", NTSC60, True), ("25", Fraction(25), False)]
)
def test_against_the_timecode_package(name: str, rate: Fraction, drop: bool) -> None:
    oracle = pytest.importorskip("timecode", reason="the timecode package is not installed")
    for frame in FRAMES:
        theirs = oracle.Timecode(name, frames=frame + 1, force_non_drop_frame=not drop)
        assert str(theirs) == str(Timecode(frame, rate, drop))


@pytest.mark.parametrize(
    ("rate", "drop"), [(NTSC30, True), (NTSC60, True), (Fraction(25), False), (NTSC30, False)]
)
def test_against_opentimelineio(rate: Fraction, drop: bool) -> None:
    otio = pytest.importorskip("opentimelineio", reason="OpenTimelineIO is not installed")
    for frame in FRAMES:
        label = otio.opentime.to_timecode(otio.opentime.RationalTime(frame, float(rate)), float(rate), drop)
        assert label == str(Timecode(frame, rate, drop))
        assert otio.opentime.from_timecode(label, float(rate)).value == Timecode.parse(label, rate).frame
