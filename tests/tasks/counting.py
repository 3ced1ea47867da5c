"""Counts what is read: stands around PyAV's own ``av.open``, through which every file goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av


@dataclass
class Opened:
    """One opening of one file for reading."""

    name: str
    demuxes: int = 0
    packets: Counter[str] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)


class Counting:
    """Counts openings, demuxes, packets and decoded frames while it is in place."""

    def __init__(self) -> None:
        self.reads: list[Opened] = []
        self._open = av.open

    def open(self, file: Any, mode: str | None = None, *rest: Any, **named: Any) -> Any:
        container = self._open(file, mode, *rest, **named)
        if mode == "w":
            return _Output(container)
        opened = Opened(str(getattr(file, "name", file)))
        self.reads.append(opened)
        return _Input(container, opened)

    def of(self, name: str) -> list[Opened]:
        """The openings of files whose path ends so."""
        return [each for each in self.reads if each.name.endswith(name)]

    def decoded(self, name: str, kind: str) -> int:
        """Frames of a kind that were decoded of a file in all."""
        return sum(each.frames[kind] for each in self.of(name))

    def demuxes(self, name: str) -> int:
        """How often packets of a file were asked for."""
        return sum(each.demuxes for each in self.of(name))


class _Stand:
    """Stands for an object of PyAV; its classes cannot be patched."""

    def __init__(self, real: Any) -> None:
        object.__setattr__(self, "real", real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.real, name, value)


class _Input(_Stand):
    def __init__(self, real: Any, opened: Opened) -> None:
        super().__init__(real)
        object.__setattr__(self, "opened", opened)

    def __enter__(self) -> _Input:
        return self

    def __exit__(self, *_: object) -> None:
        self.real.close()

    def demux(self, *streams: Any) -> Iterator[Any]:
        self.opened.demuxes += 1
        for packet in self.real.demux(*streams):
            if packet.size:
                self.opened.packets[packet.stream.type] += 1
            yield _Packet(packet, self.opened)

    def decode(self, *streams: Any) -> Iterator[Any]:
        for packet in self.demux(*streams):
            yield from packet.decode()


class _Packet(_Stand):
    def __init__(self, real: Any, opened: Opened) -> None:
        super().__init__(real)
        object.__setattr__(self, "opened", opened)

    def __bytes__(self) -> bytes:
        return bytes(self.real)

    def decode(self) -> list[Any]:
        kind = self.real.stream.type
        frames = self.real.decode()
        self.opened.frames[kind] += len(frames)
        return frames


class _Output(_Stand):
    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        self.real.close()

    def mux_one(self, packet: Any) -> None:
        self.real.mux_one(getattr(packet, "real", packet))

    def mux(self, packets: Any) -> None:
        many = packets if isinstance(packets, list) else [packets]
        self.real.mux([getattr(packet, "real", packet) for packet in many])
