"""Long sound in chunks reads as the whole does: nothing is lost or garbled where it was cut."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def bench(repository: Path) -> ModuleType:
    """The benchmark itself: what it prints is what is tested."""
    path = repository / "benchmarks" / "ctc_chunks.py"
    spec = importlib.util.spec_from_file_location("ctc_chunks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_minute_in_chunks_reads_as_the_whole(bench: ModuleType) -> None:
    ways = (bench.WHOLE, bench.OURS, bench.BARE)
    rows = bench.measure(str(bench.TONES), list(bench.tone_sounds(1, 60.0)), 60.0, ways)
    table = {row["way"]: row for row in rows}
    whole, ours, bare = table[bench.WHOLE], table[bench.OURS], table[bench.BARE]
    assert whole["equal"] == 1
    assert whole["wer"] < 0.1
    assert whole["words"] > 100
    assert whole["at_cut"] >= 2  # words that lie across the cuts: else there would be nothing to lose
    assert ours["equal"] >= 0.99
    assert ours["lost_at_cut"] == ours["other_words"] == 0
    # The cuts of 10 s that this is about do lose words.
    assert bare["lost_at_cut"] >= 1
    assert bare["other_words"] > 0


def test_kept_words(bench: ModuleType) -> None:
    assert bench.kept_words(["a", "b", "c"], ["a", "x", "c", "d"]) == [True, False, True]
    assert bench.kept_words(["a", "a"], ["a"]).count(True) == 1
    assert bench.kept_words([], ["a"]) == []
