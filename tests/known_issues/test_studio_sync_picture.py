"""The studio showed its drawing of the offset as black boxes: it was drawn for a page that brings the colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'studio' is not installed")

from genlock.core.progress import silent
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.studio.folder import StudioFolder
from genlock.studio.jobs.every_kind import KINDS
from genlock.studio.jobs.kinds import found_folder
from genlock.tasks.sync_video import SyncResult
from genlock.testing import example_video


def test_the_drawing_brings_its_own_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.mp4").write_bytes(example_video().read_bytes())
    folder = StudioFolder(tmp_path)
    (file,) = folder.files()[0]
    measured = SyncMeasurement(Estimate(0.04, (0.03, 0.05), 0.9, "flash-beep"), at=Fraction(0))
    found: Any = SyncResult(measured, None)
    monkeypatch.setattr("genlock.studio.jobs.kinds.sync_video", lambda *_: found)
    (tmp_path / "room").mkdir()
    KINDS["sync"].do(folder, file, SimpleNamespace(), tmp_path / "room", silent)
    drawn = (found_folder(folder, file) / "sync.svg").read_text(encoding="utf-8")
    assert 'class="sp-' not in drawn
    assert "fill=" in drawn or "fill:" in drawn
