"""Words leave for ELAN and for editing programs, and are read back as those read them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from genlock.speech import Word, Words, write_words

WORDS = Words(
    [
        Word("Good", "-0.1", "0.2", 0.9),
        Word("<b>morning</b> &", "1001/3000", "0.75"),
        Word("lost", reason="gone"),
    ]
)


def test_elan_reads_the_words_and_the_subtitles(tmp_path: Path) -> None:
    write_words(WORDS, tmp_path / "talk.eaf", film="talk.mp4")
    root = ElementTree.parse(tmp_path / "talk.eaf").getroot()
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", "")) for slot in root.iter("TIME_SLOT")}
    tiers = {
        tier.get("TIER_ID"): [
            (
                slots[one.get("TIME_SLOT_REF1")],
                slots[one.get("TIME_SLOT_REF2")],
                one.findtext("ANNOTATION_VALUE"),
            )
            for one in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        for tier in root.iter("TIER")
    }
    assert tiers["words"] == [(0, 200, "Good"), (334, 750, "<b>morning</b> &")]
    assert tiers["subtitles"] == [(0, 1200, "Good morning & lost")]  # tags of a cue are no words
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.get("RELATIVE_MEDIA_URL") == "./talk.mp4"


def test_an_editing_program_reads_the_markers(tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio", reason="the dev extra has it")
    write_words(WORDS, tmp_path / "talk.otio", film="talk.mp4")
    timeline = otio.adapters.read_from_file(str(tmp_path / "talk.otio"))
    (clip,) = timeline.find_clips()
    assert [marker.name for marker in clip.markers] == ["Good", "<b>morning</b> &"]
    marker = clip.markers[1]
    assert marker.marked_range.start_time.to_seconds() == pytest.approx(1001 / 3000)
    assert Fraction(marker.metadata["genlock"]["start"]) == Fraction(1001, 3000)
