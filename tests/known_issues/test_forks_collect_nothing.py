"""A loading process waited for ever: it collected a film of its parent, whose FFmpeg threads a fork does not have."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.train import gan

from genlock.train.loader import Share, loaded_updates


class _Film:
    """Garbage in a circle, as an open film with its streams is; says in which process it ended."""

    def __init__(self, told: Path) -> None:
        self.itself, self.told = self, told

    def __del__(self) -> None:
        (self.told / str(os.getpid())).touch()


class _Collecting(gan.Gan):
    def load(self, part: tuple[int, int]) -> Any:
        gc.collect()
        return super().load(part)


def test_a_loading_process_leaves_what_its_parent_left(tmp_path: Path) -> None:
    gc.disable()
    try:
        _Film(tmp_path)
        updates = list(loaded_updates(_Collecting(), range(2, 6), 2, Share()))
    finally:
        gc.enable()
    assert len(updates) == 4
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == [str(os.getpid())]
