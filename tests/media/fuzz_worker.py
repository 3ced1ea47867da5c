"""Probes and reads the files named on standard input, one a line; prints ``ok`` or the error of each.

Run as a program of its own, because a crash of FFmpeg would end it: ``python fuzz_worker.py < names``.
"""

from __future__ import annotations

import resource
import sys
import time

from genlock.core.errors import GenlockError
from genlock.media import AudioForm, FrameTimes, ReadOptions, VideoForm, probe, read

MEMORY_BYTES = 6 * 2**30  # address space; a file of some kilobytes must not need more


class Sink:
    """Looks at each item and keeps nothing."""

    def __init__(self, form):
        self.form, self.seen, self.end = form, 0, None

    def push(self, item):
        if self.end is not None and isinstance(self.form, AudioForm):
            assert item.start == self.end, "the sound is not contiguous"
        elif self.end is not None:
            assert item.start >= self.end, "frames overlap"
        assert item.end > item.start
        self.seen, self.end = self.seen + 1, item.end

    def finish(self):
        pass


def examine(path: str) -> str:
    """Everything that the reader can do with a file."""
    said = []
    for act in (
        lambda: probe(path),
        lambda: read(
            path, [Sink(AudioForm(16000)), Sink(FrameTimes()), Sink(VideoForm((16, 16), "gray", rate=25))]
        ),
        lambda: read(path, [Sink(AudioForm(None, None))], ReadOptions(start="0.3", end="0.9")),
        lambda: read(path, [Sink(VideoForm())], ReadOptions(start="5", end="6")),
    ):
        try:
            act()
            said.append("ok")
        except GenlockError as error:
            if len(str(error)) < 20:
                raise AssertionError(f"too short an explanation: {error}") from error
            said.append(type(error).__name__)
    return ",".join(said)


def main() -> None:
    """One line of output a file, at once, so that the parent sees which file a crash belongs to."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin:
        path = line.rstrip("\n")
        began = time.perf_counter()
        print(f"{path}\t{examine(path)}\t{time.perf_counter() - began:.2f}", flush=True)


if __name__ == "__main__":
    main()
