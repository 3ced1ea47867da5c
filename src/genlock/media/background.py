"""Consumers that work in a thread of their own, so that decoding goes on while they compute."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from genlock.core.errors import OptionError
from genlock.media.consumers import Consumer

__all__ = ["Background"]

_Job = tuple[Callable[..., None], tuple[Any, ...]]


class Background:
    """Stands in for consumers in :func:`genlock.media.read`: what they are pushed waits in a short queue.

    One thread serves all of them, in the order of the pushes, so consumers that share something need no lock.
    When the read ends, so has their work. What a consumer raises comes out of the read, a little later.

    Parameters
    ----------
    consumers : whom to feed
    most_waiting : how many items may wait, at least 1; the read waits when there are more, so memory is bounded

    Examples
    --------
    >>> from genlock.media import AudioForm, read
    >>> from genlock.testing import example_video
    >>> class Count:
    ...     form, samples = AudioForm(16000), 0
    ...     def push(self, block): self.samples += len(block.samples)
    ...     def finish(self): pass
    >>> count = Count()
    >>> with Background([count]) as background:
    ...     report = read(example_video(), background.consumers)
    >>> count.samples > 30000
    True
    """

    def __init__(self, consumers: Sequence[Consumer], most_waiting: int = 24) -> None:
        if most_waiting < 1:
            raise OptionError(f"most_waiting={most_waiting} must be at least 1")
        self._jobs: queue.Queue[_Job | None] = queue.Queue(most_waiting)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._stopped = False
        self.consumers: tuple[Consumer, ...] = tuple(_Proxy(self, consumer) for consumer in consumers)
        """What to hand to the read, in the order of the consumers."""

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; what still waits (after a read that failed) is dropped."""
        self._stopped = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def put(self, work: Callable[..., None], *items: Any) -> None:
        """Let the thread do something; raises what an earlier piece of work raised."""
        self.raise_failure()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="genlock-consumers", daemon=True)
            self._thread.start()
        self._jobs.put((work, items))

    def wait(self) -> None:
        """Until all that was put is done."""
        self._jobs.join()
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise what a consumer raised, if one did."""
        if self._failure is not None:
            raise self._failure

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if self._failure is None and not self._stopped:
                    work, items = job
                    work(*items)
            except BaseException as failure:  # noqa: BLE001 - raised again in the thread that reads
                self._failure = failure
            finally:
                del job
                self._jobs.task_done()
        self._jobs.task_done()


class _Proxy:
    """Takes what is pushed for one consumer."""

    def __init__(self, background: Background, consumer: Consumer) -> None:
        self._background, self._consumer = background, consumer
        self.form = consumer.form

    def push(self, item: Any) -> None:
        self._background.put(self._consumer.push, item)

    def finish(self) -> None:
        self._background.put(self._consumer.finish)
        self._background.wait()
