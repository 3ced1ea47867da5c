"""``genlock bench sound FILMS``: how truly sound was made for silent films, beside controls that know nothing of them.

FILMS is a folder of ``genlock synth impacts`` (or ``flashdot``). The sounds are those of ``--sounds FOLDER``, named as
the films are, or they are made here by ``genlock sound``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from genlock.bench.figures import Figure, Row, bootstrapped, machine_card, share, table_text
from genlock.bench.registry import Bench
from genlock.bench.sound_clips import Samples, SoundClip, controls, find_made, read_sound, read_sound_clip
from genlock.bench.sound_judging import Judged, judge
from genlock.bench.sound_pairs import pair_rows
from genlock.core.errors import InputError, MediaError, OptionError
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.foley.event_files import write_events
from genlock.foley.events import Event, Events
from genlock.metrics.distribution import frechet_distance, kernel_distance, mean_divergence
from genlock.metrics.onsets import pooled_f
from genlock.tasks.files import expand_files
from genlock.tasks.sound_video import SoundOptions, sound_video

__all__ = ["BENCH_VERSION", "SOUND", "SoundBench", "SoundBenchOptions", "bench_sound"]

#: Raised whenever the measures change: runs of different versions do not compare.
BENCH_VERSION = 2

Judgements: TypeAlias = Sequence[Judged]


@dataclass(frozen=True)
class SoundBenchOptions:
    """What is measured."""

    sounds: str | None = None
    """Folder of sounds (or films with sound) made elsewhere, named as the films; None: ``genlock sound`` makes them."""
    name: str = "ours"
    """What the made sounds are called in the table."""
    library: str | None = None
    """Folder of one-shots that ``genlock sound`` places; None: its generator."""
    model: str = "auto"
    """Model of ``genlock sound``."""
    finder: str = "auto"
    """Who finds the events for ``genlock sound``."""
    true_events: bool = False
    """Give ``genlock sound`` the contacts that are seen and heard, instead of letting it look for them: what making
    sounds alone does. Of their impulses and materials everything is told."""
    runs: int = 1
    """How often sounds are made, each time with the next seed, 1...16; each is a row of its own."""
    only_controls: bool = False
    """Make nothing and judge the controls alone."""
    limit: int | None = None
    """Take so many films, drawn by the seed, whole pairs first; None: all."""
    seed: int = 0
    """Seed of all that is drawn, not below 0."""

    def __post_init__(self) -> None:
        if self.seed < 0 or (self.limit is not None and self.limit < 1):
            raise OptionError(f"seed={self.seed} is not below 0, limit={self.limit} at least 1")
        if not 1 <= self.runs <= 16 or (self.sounds is not None and (self.runs > 1 or self.true_events)):
            raise OptionError(
                f"runs={self.runs} lies in 1...16; of sounds made elsewhere (--sounds) there is one, and its events "
                "are not asked for"
            )


@dataclass(frozen=True)
class SoundBench:
    """What was found."""

    table: tuple[Row, ...]
    """One row a system or control: onsets, then levels and motion, what is heard, pairs, legacy measures."""
    left_out: tuple[str, ...]
    """Films that could not be used, with the reason."""
    card: dict[str, Any] = field(default_factory=dict)
    """What was run, on what, with what."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``table[]``, ``left_out[]``, ``run``."""
        rows = [row.to_dict() for row in self.table]
        return {"table": rows, "left_out": list(self.left_out), "run": self.card}

    def __str__(self) -> str:
        return "\n".join([table_text(self.table), *(f"left out: {reason}" for reason in self.left_out)])


def bench_sound(
    dataset: str | os.PathLike[str],
    options: SoundBenchOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> SoundBench:
    """Measure sounds made for a folder of films; ``output`` is a JSON file that keeps the run.

    Raises
    ------
    InputError
        If no film of the folder can be used.
    MissingModel
        If ``genlock sound`` has no model to make sounds with.
    """
    how = options or SoundBenchOptions()
    clips, left_out = _read(os.fspath(dataset), how, progress)
    systems: dict[str, list[Samples]] = controls(clips, how.seed)
    if not how.only_controls:
        clips, made, missing = _made(clips, how, progress)
        left_out += missing
        systems = {**controls(clips, how.seed), **made}
    judged: dict[str, list[Judged]] = {}
    for number, (name, sounds) in enumerate(systems.items()):
        progress("judge", number, len(systems))
        judged[name] = [judge(clip, sound) for clip, sound in zip(clips, sounds, strict=True)]
    table = _rows(judged, how.seed) + pair_rows(clips, systems, judged, how.seed) + _legacy_rows(judged)
    card = {
        "bench": "sound",
        "version": BENCH_VERSION,
        "dataset": Path(dataset).name,
        "clips": len(clips),
        "onsets": sum(len(clip.wanted.seconds) for clip in clips),
        "embedding": "levels, spread and rises of 32 mel bands: ours, figures of other embeddings do not compare",
        "options": asdict(how),
        **machine_card(),
    }
    done = SoundBench(tuple(table), tuple(left_out), card)
    if output is not None:
        write_json(output, done.to_dict())
    return done


def _read(dataset: str, how: SoundBenchOptions, progress: Progress) -> tuple[list[SoundClip], list[str]]:
    files, _ = expand_files([dataset])
    films = [file for file in files if not str(file).endswith(".json")]
    if how.limit is not None and how.limit < len(films):
        draw = np.random.default_rng([how.seed, 13])
        first = 2 * int(draw.integers(0, max(1, (len(films) - how.limit) // 2 + 1)))
        films = films[first : first + how.limit]
    clips, left_out = [], []
    for number, film in enumerate(films):
        progress("read", number, len(films))
        try:
            clips.append(read_sound_clip(film))
        except (InputError, MediaError) as error:
            left_out.append(f"{Path(film).name}: {error}")
    if len(clips) < 2:
        raise InputError(f"{len(clips)} films of {dataset!r} can be used, too few: {'; '.join(left_out[:3])}")
    return clips, left_out


def _made(
    clips: Sequence[SoundClip], how: SoundBenchOptions, progress: Progress
) -> tuple[list[SoundClip], dict[str, list[Samples]], list[str]]:
    """The clips that sounds were made for, those sounds by the name of the run, and why others have none."""
    names = [how.name if how.runs == 1 else f"{how.name}, seed {how.seed + run}" for run in range(how.runs)]
    kept, missing = list[SoundClip](), list[str]()
    sounds: dict[str, list[Samples]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="genlock-bench-") as folder:
        for number, clip in enumerate(clips):
            progress("make", number, len(clips))
            try:
                each = [
                    read_sound(_sound_for(clip, how, how.seed + run, Path(folder)), len(clip.sound))
                    for run in range(how.runs)
                ]
            except (InputError, MediaError) as error:
                missing.append(f"{clip.path.name}: {error}")
                continue
            kept.append(clip)
            for name, sound in zip(names, each, strict=True):
                sounds[name].append(sound)
    if len(kept) < 2:
        raise InputError(f"{len(kept)} films have a sound, too few: {'; '.join(missing[:3])}")
    return kept, sounds, missing


def _sound_for(clip: SoundClip, how: SoundBenchOptions, seed: int, folder: Path) -> Path:
    if how.sounds is not None:
        return find_made(Path(how.sounds), clip)
    target, table = folder / f"{clip.name}.wav", folder / f"{clip.name}.csv"
    if how.true_events:
        write_events(table, _true_events(clip), clip.path)
    # The first run looks for the events; the others make sounds for the same ones.
    known = table.is_file()
    options = SoundOptions(
        library=how.library,
        model=how.model,
        finder=how.finder,
        events=() if known else (str(table),),
        events_from=str(table) if known else None,
        seed=seed,
    )
    try:
        sound_video(clip.path, options, target)
    except InputError as error:
        raise InputError(f"genlock sound made nothing: {error}") from error
    return target


def _true_events(clip: SoundClip) -> Events:
    told = [
        Event(
            contact.time,
            impulse=contact.impulse,
            size=contact.size,
            x=min(max(contact.x, 0.0), 1.0),
            y=min(max(contact.y, 0.0), 1.0),
            material=contact.material,
            end=contact.end,
            distance=contact.distance,
        )
        for contact in clip.contacts
    ]
    return Events(told, 0, clip.truth.seconds, finder="truth")


# ---------------------------------------------------------------- rows


def _rows(judged: Mapping[str, Judgements], seed: int) -> list[Row]:
    rows = [_onset_row(name, each, seed) for name, each in judged.items()]
    rows += [_level_row(name, each, seed) for name, each in judged.items()]
    rows += [_heard_row(name, each, judged["truth"], seed) for name, each in judged.items()]
    return rows


def _onset_row(system: str, judged: Judgements, seed: int) -> Row:
    scores = [one.onsets for one in judged]
    places = {"F 50 ms": 1, "F 100 ms": 2, "F 20 ms": 0}
    figures = {name: _over_clips(judged, _pooled_at(number), seed) for name, number in places.items()}
    offsets = np.array([1000 * gap for one in scores for gap in one.offsets])
    figures["offset ms"] = bootstrapped(offsets, np.median, seed)
    return Row("onsets", system, sum(one.wanted for one in scores), figures)


def _pooled_at(number: int) -> Callable[[Judgements], float]:
    return lambda some: pooled_f([one.onsets for one in some], number)


def _level_row(system: str, judged: Judgements, seed: int) -> Row:
    return Row(
        "levels",
        system,
        len(judged),
        {
            "impulse r": _over_clips(judged, _impulse_correlation, seed),
            "energy r": _over_clips(judged, lambda some: _mean([one.energy_r for one in some]), seed),
            "motion r": _over_clips(judged, lambda some: _mean([one.motion_r for one in some]), seed),
        },
    )


def _impulse_correlation(judged: Judgements) -> float:
    pairs = np.array([pair for one in judged for pair in one.levels], np.float64).reshape(-1, 2)
    if len(pairs) < 3 or pairs.std(axis=0).min() < 1e-9:
        return float("nan")
    return float(np.atleast_2d(np.corrcoef(pairs.T))[0, 1])


def _heard_row(system: str, judged: Judgements, true: Judgements, seed: int) -> Row:
    right = [hit for one in judged for hit in one.materials]
    distance = None
    if len(judged) >= 4:
        distance = kernel_distance([one.embedding for one in true], [one.embedding for one in judged], seed)
    pairs = list(zip(true, judged, strict=True))
    return Row(
        "heard",
        system,
        len(right),
        {
            "material": share(right),
            "KAD": Figure(float("nan"))
            if distance is None
            else Figure(distance.value, distance.low, distance.high),
            "KAD floor": Figure(float("nan") if distance is None else distance.floor),
            "KL(true || made)": _over_clips(pairs, lambda some: _divergence(some, False), seed),
            "KL(made || true)": _over_clips(pairs, lambda some: _divergence(some, True), seed),
        },
    )


def _divergence(pairs: Sequence[tuple[Judged, Judged]], turned: bool) -> float:
    true, made = ([pair[side].posterior for pair in pairs] for side in (0, 1))
    return mean_divergence(made, true) if turned else mean_divergence(true, made)


def _legacy_rows(judged: Mapping[str, Judgements]) -> list[Row]:
    """What has been published, for comparison only: it crowns silence, one hit and lateness."""
    rows = []
    for name, each in judged.items():
        far = frechet_distance([one.embedding for one in judged["truth"]], [one.embedding for one in each])
        rows.append(
            Row(
                "legacy, misleading",
                name,
                len(each),
                {
                    "onset AP 300 ms": Figure(_mean([one.legacy_precision for one in each])),
                    "onset count acc": Figure(_mean([one.legacy_count for one in each])),
                    "Frechet": Figure(far),
                },
            )
        )
    return rows


def _mean(values: Sequence[float]) -> float:
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")


def _over_clips(items: Sequence[Any], statistic: Callable[[Sequence[Any]], float], seed: int) -> Figure:
    """A statistic of clips, with clips resampled."""
    value = statistic(items)
    if not np.isfinite(value):
        return Figure(float("nan"))
    found = bootstrapped(
        np.arange(len(items)), lambda chosen: statistic([items[int(k)] for k in chosen]), seed
    )
    return Figure(value, found.low, found.high)


SOUND = Bench(
    "sound",
    "sound made for silent films: onsets, levels, materials, pairs; silence, one hit, late, shuffled, metronome beside",
    SoundBenchOptions,
    bench_sound,
    "Folder of films with their truths, as genlock synth impacts makes them.",
)
