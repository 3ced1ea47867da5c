"""The command line: ``genlock COMMAND``. It reads options, shows progress and prints; it knows no algorithm."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from genlock import tasks
from genlock.bench.sync import SyncBenchOptions, bench_sync
from genlock.core.errors import GenlockError, InputError, MissingModel, OptionError
from genlock.core.serial import dump_json
from genlock.core.time import Exact
from genlock.tasks import train_models as trainings
from genlock.tasks.make_signals import SetOptions, make_signals
from genlock.train.options import CtcTraining, LoopOptions, Wav2Vec2Training, options_from, read_options
from genlock.train.sync import SyncTraining
from genlock.weights import registry

__all__ = ["main"]

Files = tyro.conf.Positional[tuple[str, ...]]
Json = Annotated[bool, tyro.conf.FlagCreatePairsOff]
_FEATURES, _WORDS, _ALIGN = tasks.FeatureOptions(), tasks.WordOptions(), tasks.AlignOptions()
_SYNC, _PREPARE = tasks.SyncOptions(), tasks.PrepareOptions()
Output = Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="PATH")]


# ---------------------------------------------------------------- the commands


def probe(files: Files, /, json: Json = False) -> None:
    """What is in a file, exactly: rates, starts, durations, timecode, how far sound and picture start apart.

    Args:
        files: Videos, sounds or folders of them.
        json: Print one JSON object instead of text.
    """
    _each(files, None, json, lambda file, where, bar: tasks.probe_file(file))


def features(
    files: Files,
    /,
    options: tasks.FeatureOptions = _FEATURES,
    output: Output = None,
    json: Json = False,
) -> None:
    """Features of sound and of faces with exact times, on their own grid or on the video's frames.

    Args:
        files: Videos, sounds or folders of them.
        output: Folder for the tracks (default: FILE.genlock beside each file).
        json: Print one JSON object instead of text.
    """
    _each(files, output, json, lambda file, where, bar: tasks.extract_features(file, options, where, bar))


def words(
    files: Files,
    /,
    options: tasks.WordOptions = _WORDS,
    output: Output = None,
    json: Json = False,
) -> None:
    """Words with their times: recognised, or a transcript of yours put on the clock.

    Args:
        files: Videos, sounds or folders of them.
        output: Where to write; the ending says what: .srt .vtt .TextGrid .ctm .json, or a folder for all.
        json: Print one JSON object instead of text.
    """
    _each(files, output, json, lambda file, where, bar: tasks.find_words(file, options, where, bar))


def sync(files: Files, /, options: tasks.SyncOptions = _SYNC, json: Json = False) -> None:
    """Is the sound in step with the picture? By how much not, what the standards say, and a repaired copy.

    Args:
        files: Videos or folders of them; several give a table.
        json: Print one JSON object instead of text.
    """
    refused: list[str] = []
    found, many = tasks.expand_files(files) if files else ([], False)
    each = tasks.sync_options_of_each(found, options, many)

    def work(file: str, where: str | None, bar: _Bar) -> tasks.Result:
        result = tasks.sync_video(file, each[file], bar)
        if result.repair is not None and result.repair.status == "refused":
            refused.append(f"{file}: {result.repair.reason}")
        return tasks.SyncRow(file, result) if many and not json else result

    if many and not json:
        print(tasks.SyncRow.HEAD)
    _each(files, None, json, work, numbered=False)
    if refused:
        raise InputError("not repaired:\n  " + "\n  ".join(refused))


def align(
    files: Files,
    /,
    options: tasks.AlignOptions = _ALIGN,
    output: Output = None,
    json: Json = False,
) -> None:
    """The main job: probe, features on the video's frames, words, and a report to look at.

    Args:
        files: Videos, sounds or folders of them.
        output: Folder for the results (default: VIDEO.genlock beside each video).
        json: Print one JSON object instead of text.
    """
    _each(files, output, json, lambda file, where, bar: tasks.align_video(file, options, where, bar))


def prepare(
    source: tyro.conf.Positional[str],
    /,
    options: tasks.PrepareOptions = _PREPARE,
    output: Output = None,
    json: Json = False,
) -> None:
    """From a folder of videos to training data: clips, features on exact grids, an index. A stopped run goes on.

    Args:
        source: The folder of the corpus (with --status: of the dataset).
        output: Folder of the dataset (default: SOURCE.dataset beside it).
        json: Print one JSON object instead of text.
    """
    dataset = output or (source if options.status else f"{source.rstrip(os.sep)}.dataset")
    with _Bar("") as bar:
        result = tasks.prepare_dataset(source, dataset, options, bar)
    print(dump_json({"genlock_schema": 1, **result.to_dict()}) if json else result)


def demo(output: Output = None, json: Json = False) -> None:
    """Make a short talking test card and align it.

    Args:
        output: Folder to make it in (default: genlock-demo here).
        json: Print one JSON object instead of text.
    """
    folder = output or "genlock-demo"
    _each([folder], None, json, lambda folder, where, bar: tasks.run_demo(folder, bar), expand=False)


def models(
    action: tyro.conf.Positional[str] = "list",
    names: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    json: Json = False,
) -> None:
    """List, fetch or verify model files. Only ``fetch`` ever touches the network.

    Args:
        action: list, fetch or verify.
        names: Model names; ``default`` means those of the standard set-up (as does no name).
        json: Print one JSON object instead of text.
    """
    if action not in ("list", "fetch", "verify"):
        raise OptionError(f"models {action!r} is unknown; use list, fetch or verify")
    known = registry.list_models()
    if action == "list":
        return _print_models(known, json)
    chosen = [n for n in names if n != "default"]
    if not names or "default" in names:
        chosen += [status.model.name for status in known if status.model.default]
    results = [_fetch(name) if action == "fetch" else registry.verify(name) for name in dict.fromkeys(chosen)]
    if json:
        print(dump_json({"results": [r.to_dict() for r in results]}))
    else:
        for result in results:
            print(result)
    bad = [r.name for r in results if isinstance(r, registry.Verification) and r.state != "sound"]
    if bad:
        raise MissingModel(
            f"not whole on this machine: {', '.join(bad)}; run: genlock models fetch {' '.join(bad)}"
        )
    return None


def train(show: Annotated[bool, tyro.conf.arg(name="list")] = False) -> None:
    """Train a model: genlock train RECIPE SOUNDS... -o RUN; genlock train RECIPE --help shows how.

    Args:
        show: List the recipes.
    """
    for name, title in trainings.RECIPES.items():
        print(f"{name:<10}{title}")
    if not show:
        raise OptionError("which recipe? Say: genlock train RECIPE ...; genlock train RECIPE --help shows how")


def _training(recipe: str, settings: Mapping[str, Any]) -> Callable[..., None]:
    """The command of a recipe; its options begin with what a file of options says."""
    kind, work = {
        "ctc": (CtcTraining, trainings.train_ctc), "wav2vec2": (Wav2Vec2Training, trainings.train_wav2vec2)
    }[recipe]  # fmt: skip
    begin, begin_loop = options_from(settings, kind, LoopOptions)

    def command(
        sounds: Files, /, training: Any = begin, loop: LoopOptions = begin_loop, output: Output = None,
        options: str | None = None, json: Json = False,
    ) -> None:  # fmt: skip
        with _Bar("") as bar:
            result = work(sounds, output or f"{recipe}-run", training, loop, bar)
        print(dump_json({"genlock_schema": 1, **result.to_dict()}) if json else result)

    command.__annotations__["training"] = kind
    command.__doc__ = f"""Train {recipe}: {trainings.RECIPES[recipe]}. A run that was stopped goes on.

    Args:
        sounds: Folders of sounds or videos (with transcripts.tsv where texts are needed), or a prepared folder.
        output: The run folder (default: {recipe}-run here).
        options: A YAML file of options, or a run's run.json; flags come after it.
        json: Print one JSON object instead of text.
    """
    return command


_SYNC_TRAINING = SyncTraining()


def _train_sync(
    videos: Files,
    /,
    model: Literal["linear"] = "linear",
    training: SyncTraining = _SYNC_TRAINING,
    output: Output = None,
    json: Json = False,
) -> None:
    """Train the model that measures offsets from lips and speech, on videos that are believed to be in step.

    Args:
        videos: Videos of single talking faces, or folders of them.
        model: What to train: linear (ridge regression and canonical correlation, in closed form).
        output: Folder for model.npz and MODEL_CARD.md (default: sync-linear here).
        json: Print one JSON object instead of text.
    """
    with _Bar("") as bar:
        result = trainings.train_sync(videos, output or f"sync-{model}", training, bar)
    print(dump_json({"genlock_schema": 1, **result.to_dict()}) if json else result)


def _train(arguments: Sequence[str]) -> None:
    """``genlock train RECIPE ...``."""
    words = list(arguments)
    place = next((k for k, word in enumerate(words[:-1]) if word == "--options"), None)
    settings = {} if place is None else read_options(words[place + 1])
    commands = {
        recipe: _training(recipe, settings if words[0] == recipe else {})
        for recipe in trainings.RECIPES
        if recipe != "sync"
    }
    commands["sync"] = _train_sync
    _run(commands, "genlock train", "Train a model.", words)


def synth(
    what: tyro.conf.Positional[str] = "signals",
    /,
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 24,
    seconds: Exact = 10,
    reach_seconds: Exact = 1,
    drift: bool = True,
    seed: int = 0,
    output: Output = None,
    json: Json = False,
) -> None:
    """Make test clips whose sync is known exactly, each with its truth beside it: genlock synth signals -n 24 -o DIR.

    Args:
        what: signals (flashes with beeps, motion with tones; every frame rate and container in turn).
        count: Number of clips.
        seconds: Length of each.
        reach_seconds: Offsets are drawn within +- so many seconds, at any fraction of a frame.
        drift: Let some of the clips drift.
        seed: The same seed gives the same clips.
        output: Folder for the clips (default: genlock-signals here).
        json: Print one JSON object instead of text.
    """
    if what != "signals":
        raise OptionError(f"synth {what!r} is unknown; use signals")
    options = SetOptions(count=count, seconds=seconds, reach_seconds=reach_seconds, drift=drift, seed=seed)
    with _Bar("") as bar:
        made = make_signals(output or "genlock-signals", options, bar)
    print(dump_json({"genlock_schema": 1, **made.to_dict()}) if json else made)


_BENCH = SyncBenchOptions()


def bench(
    name: tyro.conf.Positional[str],
    dataset: tyro.conf.Positional[str],
    /,
    options: SyncBenchOptions = _BENCH,
    output: Output = None,
    json: Json = False,
) -> None:
    """Run a benchmark on a folder: genlock bench sync DATASET.

    Args:
        name: sync (offsets of sound and picture: retrieval P1, P1b, P2, and the whole tool, P6, with baselines).
        dataset: Folder of clips believed to be in step, or with their truth beside them.
        output: JSON file that keeps the run: its table, failures and run card.
        json: Print one JSON object instead of text.
    """
    if name != "sync":
        raise OptionError(f"bench {name!r} is unknown; use sync")
    with _Bar("") as bar:
        found = bench_sync(dataset, options, output, bar)
    print(dump_json({"genlock_schema": 1, **found.to_dict()}) if json else found)


_COMMANDS: Mapping[str, Callable[..., None]] = {
    "align": align, "sync": sync, "probe": probe, "words": words, "features": features, "models": models, "demo": demo,
    "prepare": prepare, "train": train,
    "synth": synth, "bench": bench,
}  # fmt: skip


# ---------------------------------------------------------------- reading options

_REGISTRY = tyro.constructors.ConstructorRegistry()


@_REGISTRY.primitive_rule
def _text_options(
    info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """Exact numbers and texts that may be left out are typed as they are: the option's class reads them."""
    metavar = {Exact | None: "NUMBER", Exact: "NUMBER", str | None: "TEXT", int | None: "INT"}.get(info.type)
    if metavar is None:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: int(words[0]) if metavar == "INT" else words[0],
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


# ---------------------------------------------------------------- running one


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 2 for bad input, 130 when interrupted."""
    try:
        words = list(sys.argv[1:] if arguments is None else arguments)
        if words[:1] == ["train"] and len(words) > 1 and not words[1].startswith("-"):
            _train(words[1:])
        else:
            _run(_COMMANDS, "genlock", "Sound and picture of a video on one exact clock.", words)
    except GenlockError as error:
        _say(f"genlock: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        _say("genlock: interrupted; nothing was left half-written")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`: nothing to tell anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _run(commands: Mapping[str, Callable[..., None]], prog: str, title: str, words: Sequence[str]) -> None:
    tyro.extras.subcommand_cli_from_dict(
        dict(commands), prog=prog, description=title, args=words, registry=_REGISTRY,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )  # fmt: skip


def _each(
    files: Sequence[str],
    output: str | None,
    as_json: bool,
    work: Callable[[str, str | None, _Bar], tasks.Result],
    *,
    expand: bool = True,
    numbered: bool = True,
) -> None:
    """One file: its result. Several, or a folder: all results, failures listed at the end with status 2."""
    if not files:
        raise InputError("which file? Name at least one video, sound or folder; --help shows how")
    found, many = tasks.expand_files(files) if expand else (list(files), False)
    folders = tasks.result_folders(found, output) if many else [output]
    results: list[dict[str, Any]] = []
    failures: list[str] = []
    for number, (file, folder) in enumerate(zip(found, folders, strict=True), 1):
        prefix = f"[{number}/{len(found)}] " if many else ""
        try:
            with _Bar(prefix) as bar:
                result = work(file, folder, bar)
        except GenlockError as error:
            if not many:
                raise
            failures.append(f"{file}: {error}")
            results.append({"file": file, "error": str(error)})
            _say(f"{prefix}{error}")
            continue
        results.append({"file": file, **result.to_dict()} if many else result.to_dict())
        if not as_json:
            print(f"{prefix if numbered else ''}{result}")
    if as_json:
        print(
            dump_json(
                {"genlock_schema": 1, "results": results} if many else {"genlock_schema": 1, **results[0]}
            )
        )
    if failures:
        raise InputError(
            f"{len(failures)} of {len(found)} files could not be done:\n  " + "\n  ".join(failures)
        )


class _Bar:
    """A progress bar with an ETA on standard error; silent where that is no terminal."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._stages: dict[str, TaskID] = {}

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        if stage not in self._stages:
            self._stages[stage] = self._progress.add_task(self._prefix + stage, total=total)
        self._progress.update(self._stages[stage], completed=done, total=total)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


# ---------------------------------------------------------------- models


def _print_models(known: Sequence[registry.ModelStatus], as_json: bool) -> None:
    if as_json:
        print(dump_json({"models": [status.to_dict() for status in known]}))
    else:
        for status in known:
            print(status)


def _fetch(name: str) -> registry.FetchResult:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(name, total=None)
        return registry.fetch(
            name, progress=lambda at: shown.update(task, completed=at.done_bytes, total=at.total_bytes)
        )


if __name__ == "__main__":
    sys.exit(main())
