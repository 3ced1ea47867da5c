"""Commands that are plugins: ``genlock train NAME``, ``genlock synth NAME``, ``genlock bench NAME``.

The flags of each are the fields of its options. Nothing of a plugin is imported before it is named.
"""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import tyro

from genlock.bench.registry import GROUP as BENCHES
from genlock.bench.registry import find_bench
from genlock.cli.arguments import Files, Json, Output, read_words
from genlock.cli.running import Bar, show
from genlock.core.errors import OptionError
from genlock.core.plugins import did_you_mean, list_plugins
from genlock.synth.worlds import GROUP as WORLDS
from genlock.synth.worlds import find_world
from genlock.tasks.show_run import show_run
from genlock.train.option_files import options_from, read_options
from genlock.train.options import LoopOptions
from genlock.train.registry import GROUP as RECIPES
from genlock.train.registry import RecipeCommand, find_recipe

__all__ = ["NAMED", "bench", "synth", "train"]

_List = Annotated[bool, tyro.conf.arg(name="list", help="List what there is.")]
_Show = Annotated[
    str | None,
    tyro.conf.arg(name="show", metavar="RUN", help="Draw the log of a run: losses, learning rates, figures."),
]


def train(names: _List = False, run: _Show = None, output: Output = None, json: Json = False) -> None:
    """Train a model: genlock train RECIPE SOUNDS... -o RUN; genlock train RECIPE --help shows how.

    Args:
        output: With --show: a picture to write, .svg or .png, in place of the lines for the terminal.
    """
    if run is None:
        _say_names(RECIPES, "train RECIPE", names)
    else:
        show(show_run(run, output), json)


def synth(names: _List = False) -> None:
    """Make test clips of which everything is known, each with its truth: genlock synth signals -n 24 -o FOLDER."""
    _say_names(WORLDS, "synth WORLD", names)


def bench(names: _List = False) -> None:
    """Run a benchmark on a folder: genlock bench sync FOLDER."""
    _say_names(BENCHES, "bench NAME", names)


def _say_names(group: str, command: str, asked: bool) -> None:
    print(list_plugins(group))
    if not asked:
        what = group.partition(".")[2]
        raise OptionError(f"which of the {what}? Say: genlock {command} ...; --help after it shows how")


# ---------------------------------------------------------------- one of them


def _train(name: str, words: Sequence[str]) -> None:
    recipe = find_recipe(name)
    # Which options there are, and where they begin, depends on these two: they are read before all others.
    model, file = _values(words, "--model", "--options")
    more: dict[str, tuple[Any, Any]] = {}
    if recipe.models:
        model = model or next(iter(recipe.models))
        recipe, more = _of_model(recipe, model), {"model": (Literal[tuple(recipe.models)], model)}
    settings = {} if file is None else read_options(file)
    training, *loop = options_from(settings, recipe.training, *([recipe.loop] if recipe.loop else []))
    if loop:
        more["loop"] = (LoopOptions, loop[0])
    given = read_words(
        f"genlock train {name}",
        f"Train {name}: {recipe.title}.{' A run that was stopped goes on.' if loop else ''}",
        words,
        {"sources": Annotated[Files, tyro.conf.arg(help=recipe.sources)]},
        training=(recipe.training, training),
        output=(_output(f"The run folder (default: {recipe.output} here)."), None),
        options=(
            Annotated[
                str | None,
                tyro.conf.arg(help="A YAML file of options, or a run's run.json; flags come after it."),
            ],
            None,
        ),
        json=(Json, False),
        **more,
    )
    options = [given.training, *([given.loop] if loop else [])]
    with Bar("") as bar:
        result = recipe.run(given.sources, given.output or recipe.output, *options, bar)
    show(result, given.json)


def _of_model(recipe: RecipeCommand, model: str) -> RecipeCommand:
    if model not in recipe.models:
        names = list(recipe.models)
        raise OptionError(
            f"{recipe.name} has no model {model!r}; there are: {', '.join(names)}{did_you_mean(model, names)}"
        )
    return recipe.models[model]


def _synth(name: str, words: Sequence[str]) -> None:
    world = find_world(name)
    given = read_words(
        f"genlock synth {name}",
        f"Make {world.title}; the truth lies beside each clip.",
        words,
        {},
        options=(world.options, world.options()),
        output=(_output(f"Folder for the clips (default: {world.output} here)."), None),
        json=(Json, False),
    )
    with Bar("") as bar:
        result = world.make(given.output or world.output, given.options, bar)
    show(result, given.json)


def _bench(name: str, words: Sequence[str]) -> None:
    bench = find_bench(name)
    given = read_words(
        f"genlock bench {name}",
        f"Measure {bench.title}.",
        words,
        {"dataset": Annotated[tyro.conf.Positional[str], tyro.conf.arg(help=bench.dataset)]},
        options=(bench.options, bench.options()),
        output=(_output("JSON file that keeps the run: its table, failures and run card."), None),
        json=(Json, False),
    )
    with Bar("") as bar:
        result = bench.run(given.dataset, given.options, given.output, bar)
    show(result, given.json)


#: What runs the plugin that the word after the command names.
NAMED: Mapping[str, Callable[[str, Sequence[str]], None]] = {
    "train": _train,
    "synth": _synth,
    "bench": _bench,
}


def _output(help: str) -> Any:
    return Annotated[Output, tyro.conf.arg(help=help)]


def _values(words: Sequence[str], *flags: str) -> list[str | None]:
    """The values of some flags among all the words."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for flag in flags:
        parser.add_argument(flag, dest=flag)
    try:
        found, _ = parser.parse_known_args(list(words))
    except ArgumentError:  # a flag without its value: whoever reads all the words says so
        return [None] * len(flags)
    return [getattr(found, flag) for flag in flags]
