"""Consumers in a thread of their own: the same items in the same order, failures told, nothing left running."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.core.errors import MediaError
from genlock.media import AudioForm, Picture, Sound, VideoForm, encode, read
from genlock.media.background import Background


class Log:
    """Writes what it is pushed into a list that several share."""

    def __init__(self, form: Any, log: list[Any], fail_at: int | None = None) -> None:
        self.form, self.log, self.fail_at, self.finished = form, log, fail_at, False

    def push(self, item: Any) -> None:
        values = item.samples if hasattr(item, "samples") else item.pixels
        self.log.append((type(item).__name__, item.start, float(values.astype(np.float64).sum())))
        if self.fail_at is not None and len(self.log) > self.fail_at:
            raise ArithmeticError("a consumer's own mistake")

    def finish(self) -> None:
        self.finished = True


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("background") / "film.mp4"
    frames = (np.full((48, 64, 3), 3 * k, np.uint8) for k in range(60))
    encode(path, Picture(frames, rate=25), Sound(0.1 * np.sin(np.arange(38400) / 9), 16000))
    return path


def consumers(log: list[Any], **options: Any) -> list[Log]:
    return [Log(AudioForm(16000), log, **options), Log(VideoForm((16, 16), "gray"), log)]


def test_the_same_items_in_the_same_order(film: Path) -> None:
    direct: list[Any] = []
    read(film, consumers(direct))
    behind: list[Any] = []
    served = consumers(behind)
    with Background(served, most_waiting=2) as background:
        read(film, background.consumers)
        # The read has ended: so has their work, before the thread is ended.
        assert all(each.finished for each in served)
        assert behind == direct
    assert len(direct) > 60


def test_what_a_consumer_raises_comes_out_of_the_read(film: Path) -> None:
    before = threading.active_count()
    with (
        pytest.raises(ArithmeticError, match="own mistake"),
        Background(consumers([], fail_at=3)) as background,
    ):
        read(film, background.consumers)
    assert threading.active_count() == before


def test_a_read_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no film")
    before = threading.active_count()
    with pytest.raises(MediaError), Background(consumers([])) as background:
        read(tmp_path / "no.mp4", background.consumers)
    assert threading.active_count() == before


def test_a_caller_who_stops_early_leaves_no_thread(film: Path) -> None:
    before = threading.active_count()

    def stop(done: float, total: float | None) -> None:
        if done > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Background(consumers([]), most_waiting=1) as background:
        read(film, background.consumers, progress=stop)
    assert threading.active_count() == before
