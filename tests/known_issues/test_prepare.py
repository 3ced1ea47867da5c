"""Mistakes that ``genlock prepare`` once made with what it is asked for."""

from __future__ import annotations

import pytest

from genlock.data.output_spec import Wanted, parse_outputs


@pytest.mark.parametrize(
    "text", ["frames@29.97/64x48", "video@23.976", "rgb@11025:512", "flow:tvl1@21.5/340x256"]
)
def test_an_output_is_read_back_from_its_own_text(text: str) -> None:
    """30000/1001 was written with a slash, behind which a size was looked for."""
    wanted = Wanted.parse(text)
    assert Wanted.parse(wanted.text) == wanted


def test_the_default_preset_and_the_bare_name_are_one_output() -> None:
    """Both were made, in one file, and the second one to be renamed was found missing."""
    assert [one.kind for one in parse_outputs("mfcc,mfcc:kaldi,mel:librosa,mel,onset:flux,mfcc:psf")] == [
        "mfcc",
        "mel",
        "onset",
        "mfcc-psf",
    ]


def test_a_second_size_of_mouths_is_not_dropped_without_a_word() -> None:
    assert [one.kind for one in parse_outputs("mouth,mouth/96,mouth/48")] == ["mouth_96", "mouth_48"]
