"""Offsets into words and verdicts: the sign, the asymmetry, and the right not to know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.lipsync.verdicts import LIMITS, Limit, allowance_of, judge, sentence_of

# The figures of the standards, typed in once more: key, early, late, in milliseconds.
STANDARDS = {
    "itu_bt1359_detectable": (45, 125),
    "itu_bt1359_acceptable": (90, 185),
    "ebu_r37_emission": (40, 60),
    "ebu_r37_stage": (5, 15),
    "atsc_is191": (15, 45),
    "film_editing": (20, 20),
}


def results(low_ms: float, high_ms: float) -> dict[str, str]:
    return {verdict.limit.key: verdict.result for verdict in judge((low_ms / 1000, high_ms / 1000))}


def test_the_limits_are_those_of_the_standards() -> None:
    assert {x.key: (x.early_seconds * 1000, x.late_seconds * 1000) for x in LIMITS} == STANDARDS


@pytest.mark.parametrize("key", STANDARDS)
def test_just_within_passes_just_beyond_fails_astride_cannot_tell(key: str) -> None:
    early, late = STANDARDS[key]
    assert results(early - 2, early)[key] == "passes"
    assert results(early + 1, early + 3)[key] == "fails"
    assert results(early - 1, early + 1)[key] == "cannot tell"
    assert results(-late, 2 - late)[key] == "passes"
    assert results(-late - 3, -late - 1)[key] == "fails"
    assert results(-late - 1, 1 - late)[key] == "cannot tell"


def test_late_sound_is_forgiven_more_than_early_sound() -> None:
    assert results(49, 51)["ebu_r37_emission"] == "fails"
    assert results(-51, -49)["ebu_r37_emission"] == "passes"


def test_nothing_known_is_no_verdict() -> None:
    assert {verdict.result for verdict in judge(None)} == {"cannot tell"}


@given(st.floats(-2, 2), st.floats(0, 0.5), st.floats(0, 1))
def test_a_narrower_interval_never_contradicts_a_wider_one(low: float, width: float, share: float) -> None:
    inner = (low + share * width / 2, low + width - share * width / 2)
    for limit in LIMITS:
        wide, narrow = limit.answer((low, low + width)), limit.answer((min(inner), max(inner)))
        assert wide in (narrow, "cannot tell")


@pytest.mark.parametrize(
    "offset, interval, said",
    [
        (0.118, (0.104, 0.132), "sound 118 ms early (104-132): more than viewers tolerate"),
        (-0.118, (-0.132, -0.104), "sound 118 ms late (104-132): within what viewers tolerate"),
        (0.003, (-0.009, 0.015), "sound 3 ms early (9 late to 15 early): viewers do not notice"),
        (-0.0333, (-0.0340, -0.0326), "sound 33.3 ms late (32.6-34.0): viewers do not notice"),
        (0.1, (0.08, 0.12), "sound 100 ms early (80-120): viewers notice"),
        (0.08, (0.03, 0.12), "sound 80 ms early (30-120): viewers may notice"),
    ],
)
def test_sentences(offset: float, interval: tuple[float, float], said: str) -> None:
    assert sentence_of(offset, interval) == said


def test_an_unknown_offset_says_why() -> None:
    assert sentence_of(None, None, "no face was seen") == "unknown: no face was seen"


def test_bad_values_are_refused() -> None:
    with pytest.raises(OptionError, match="above 0"):
        Limit("odd", "odd", -0.04, 0.06)
    with pytest.raises(OptionError, match="lower end first"):
        judge((0.2, 0.1))


def test_a_verdict_by_lips_allows_for_the_speakers_habit() -> None:
    """Lips have a habit that no length of film shows: an interval of 10 ms a side must not certify 12 ms."""
    narrow = (0.002, 0.012)
    exact, lips = judge(narrow), judge(narrow, allowance_of("lips"))
    assert {v.limit.key: v.result for v in exact}["atsc_is191"] == "passes"
    assert {v.limit.key: v.result for v in lips}["atsc_is191"] == "cannot tell"
    assert {v.limit.key: v.result for v in lips}["ebu_r37_emission"] == "passes"
    assert allowance_of("sound against sound") == allowance_of("flash-beep") == 0
    said = sentence_of(0.040, (0.036, 0.044), allowance_seconds=allowance_of("lips"))
    assert said.endswith(": within what viewers tolerate")
    assert sentence_of(0.040, (0.036, 0.044)).endswith(": viewers do not notice")
