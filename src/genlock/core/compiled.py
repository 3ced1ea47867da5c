"""Functions that are compiled when they are first called: whoever never calls one needs no compiler."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from importlib import import_module
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from genlock.core.optional import not_installed

__all__ = ["compiled"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Compiled(Generic[_P, _R]):
    """A function that Numba compiles at its first call, with those that it calls."""

    def __init__(self, function: Callable[_P, _R], options: dict[str, Any]) -> None:
        self._function, self._options = cast(FunctionType, function), options
        self._made: Callable[_P, _R] | None = None
        update_wrapper(self, function)

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return (self._made or self.made())(*args, **kwargs)

    def made(self) -> Callable[_P, _R]:
        """What Numba makes of it."""
        if self._made is None:
            # Numba is loaded here, and not above: it takes a quarter of a second, of every command.
            try:
                numba = import_module("numba")
            except ModuleNotFoundError as error:
                raise not_installed("numba", "this") from error
            given = self._function
            # What it calls must be Numba's own too.
            names = {
                name: value.made() if isinstance(value, _Compiled) and value is not self else value
                for name, value in given.__globals__.items()
                if name in given.__code__.co_names or name.startswith("__")
            }
            copy = FunctionType(given.__code__, names, given.__name__, given.__defaults__, given.__closure__)
            copy.__module__, copy.__qualname__ = given.__module__, given.__qualname__
            self._made = numba.njit(**self._options)(copy)
        return self._made


@overload
def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]: ...
@overload
def compiled(*, fastmath: bool) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
def compiled(function: Callable[..., Any] | None = None, *, fastmath: bool = False) -> Any:
    """Compile at the first call and keep the machine code on disk; division by zero is as numpy has it.

    Other threads of Python go on while it runs.

    Parameters
    ----------
    fastmath : the compiler may order additions as it likes: for pictures, where no bit counts

    Raises
    ------
    MissingDependency
        At the first call, if Numba is not installed.

    Examples
    --------
    >>> @compiled
    ... def twice(value: float) -> float:
    ...     return 2 * value
    >>> twice.__name__
    'twice'
    """
    options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": fastmath}
    if function is None:
        return lambda given: _Compiled(given, options)
    return _Compiled(function, options)
