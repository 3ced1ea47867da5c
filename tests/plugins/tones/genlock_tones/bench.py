"""``genlock bench tones FOLDER``: how many words of the films of ``genlock synth tones`` are heard right."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.bench.figures import Row, share, table_text
from genlock.bench.registry import Bench
from genlock.core.errors import InputError
from genlock.core.files import write_text
from genlock.core.progress import Progress
from genlock.media import read_audio
from genlock_tones.recognizer import ToneRecognizer


@dataclass(frozen=True)
class ToneBenchOptions:
    """What is measured."""

    limit: int | None = None
    """Take so many films, in order of their names; None: all."""


@dataclass(frozen=True)
class ToneBench:
    """What was found."""

    table: tuple[Row, ...]
    """One row for the recogniser, one for who always says ``low``."""

    def to_dict(self) -> dict[str, Any]:
        """``table[]``."""
        return {"table": [row.to_dict() for row in self.table]}

    def __str__(self) -> str:
        return table_text(self.table)


def run(dataset: str, options: ToneBenchOptions, output: str | None, progress: Progress) -> ToneBench:
    """Let the recogniser and a control hear every film of a folder."""
    films = sorted(Path(dataset).glob("*.mkv"))[: options.limit]
    if not films:
        raise InputError(f"{dataset!r} holds no film; make some: genlock synth tones -o {dataset}")
    listener = ToneRecognizer()
    systems: dict[str, Callable[[Any], list[str]]] = {
        "tones": lambda samples: [word.text for word in listener.hear(samples, "tones")],
        "always low": lambda samples: ["low"] * len(listener.hear(samples, "tones")),
    }
    right: dict[str, list[bool]] = {name: [] for name in systems}
    for number, film in enumerate(films, 1):
        said = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))["words"]
        samples = read_audio(film).values
        for name, system in systems.items():
            heard = system(samples.reshape(len(samples)))
            right[name] += [a == b for a, b in zip(said, heard, strict=False)]
            right[name] += [False] * abs(len(said) - len(heard))
        progress("films", number, len(films))
    table = tuple(Row("words", name, len(hits), {"right": share(hits)}) for name, hits in right.items())
    found = ToneBench(table)
    if output is not None:
        write_text(output, json.dumps(found.to_dict(), indent=1) + "\n")
    return found


TONES = Bench("tones", "words heard right in films of tones", ToneBenchOptions, run, "Folder of such films.")
