"""Sound comes out while the picture goes in: the same as of the whole film, within the latency that is stated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.foley.strikes import contacts, stick_film

from genlock.foley.finding import EventOptions, find_events
from genlock.foley.generation import Generator
from genlock.foley.live import LiveSound
from genlock.foley.sounding import Samples
from genlock.media import VideoCell, read

LEAST = 0.3


class Tap:
    """A consumer that listens while a film is read: when each frame went in, and how much sound was out then."""

    def __init__(self, live: LiveSound) -> None:
        self.form, self._live = live.form, live
        self.pieces: list[Samples] = []
        self.out: list[tuple[float, float]] = []

    def push(self, cell: VideoCell) -> None:
        self.pieces.append(self._live.push(cell))
        self.out.append((float(cell.end), sum(map(len, self.pieces)) / 24000))

    def finish(self) -> None:
        self.pieces.append(self._live.finish())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stick_film(tmp_path_factory.mktemp("film") / "stick.mp4", 25, contacts(4, 0), seed=4)


def test_live_sound_is_that_of_the_whole_film_and_comes_in_time(film: Path) -> None:
    options = EventOptions("contacts", least_probability=LEAST)
    events = find_events(film, options)
    assert len(events) >= 2
    count = round((events.end - events.start) * 24000)
    whole = Generator().take(events, 7).block(0, count)[:, 0]
    for at_a_time in (5, 9):
        live = LiveSound(options=options, seed=7, at_a_time=at_a_time)
        tap = Tap(live)
        read(film, [tap])
        assert [float(e.instant) for e in live.events] == pytest.approx(
            [float(e.instant) for e in events], abs=2e-6
        )
        sound = np.concatenate(tap.pieces)
        assert len(sound) == count
        np.testing.assert_allclose(sound, whole, atol=1e-4)
        behind = max(shown - heard for shown, heard in tap.out)
        assert behind <= float(live.latency(25)) + 1e-9
    assert behind > 0.3  # what is stated is no empty promise: some of it is needed
