"""What corpora say of their files, and what is said where such a file is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.core.errors import FormatError
from genlock.data.corpora.grid import read_align


def test_grid_words_have_their_exact_times(tmp_path: Path) -> None:
    (tmp_path / "a.align").write_text("0 2500 sil\n2500 5000 bin\n\n5000 6251 blue\n6251 9000 sp\n")
    assert read_align(tmp_path / "a.align") == (
        {"text": "bin", "start_seconds": 0.1, "end_seconds": 0.2},
        {"text": "blue", "start_seconds": 0.2, "end_seconds": 0.25004},
    )


@pytest.mark.parametrize("content", [b"0 x bin", b"0 100", b"0 100 bin blue", b"\xff\xfe\x00 nothing", None])
def test_damaged_word_times_are_told_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.align"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.align"):
        read_align(path)
