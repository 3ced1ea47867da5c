"""What every task returns: something that prints for people and turns into JSON for programs."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Result"]


class Result(Protocol):
    """A result of a task: ``str()`` for people, ``to_dict()`` for programs."""

    def to_dict(self) -> dict[str, Any]: ...
