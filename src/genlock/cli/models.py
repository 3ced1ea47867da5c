"""``genlock models``: which model files are here, where they come from; fetch, verify and convert them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from textwrap import wrap

import tyro
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from genlock.cli.arguments import Json, Output
from genlock.core.errors import MissingModel, OptionError
from genlock.core.json_forms import dump_json
from genlock.tasks.convert_model import convert_model
from genlock.weights import default_registry, hub_models, registry

__all__ = ["fetch_named", "models"]


def models(
    action: tyro.conf.Positional[str] = "list",
    names: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    output: Output = None,
    tokens: str | None = None,
    json: Json = False,
) -> None:
    """List, fetch, verify or convert model files. Only fetch asks the network for any.

    Args:
        action: list, fetch, verify or convert.
        names: Model names; ``default`` means those of the standard set-up (as does no name). For ``fetch`` also Whisper
            models as whisper's own command names them (large-v3, turbo, small.en), and OWNER/NAME of the hub, which
            go into the hub's own cache. For ``list``: ``whisper`` or ``aligners`` shows those, ``estimators``
            the public weights that ``sync --estimators`` can run, and whose page leads to them. For ``convert``: one
            public checkpoint: of AV-HuBERT a ``.pt`` of fairseq, the folder of the safetensors port, or its hub name;
            of SpecVQGAN a ``.ckpt`` of its codebook or transformer, or a ``.pt`` of MelGAN or of its classifier.
        output: For ``convert``: the new folder.
        tokens: For ``convert``: the vocabulary of a checkpoint that has none, a SentencePiece model, a fairseq
            dictionary or a vocab.json.
        json: Print one JSON object instead of text.
    """
    if action not in ("list", "fetch", "verify", "convert"):
        raise OptionError(f"models {action!r} is unknown; use list, fetch, verify or convert")
    if action == "convert":
        return _convert(names, output, tokens, json)
    if output is not None or tokens is not None:
        raise OptionError(f"models {action} takes neither -o nor --tokens; they are for models convert")
    known = registry.list_models()
    if action == "list":
        return _list(known, names, json)
    chosen = [n for n in names if n != "default"]
    if not names or "default" in names:
        chosen += [status.model.name for status in known if status.model.default]
    results = [
        fetch_named(name) if action == "fetch" else registry.verify(name) for name in dict.fromkeys(chosen)
    ]
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


def _list(known: Sequence[registry.ModelStatus], names: Sequence[str], as_json: bool) -> None:
    """The table's models, or with ``whisper`` or ``aligners`` public ones by name or by language; ``estimators``."""
    if list(names) == ["estimators"]:
        return _list_estimators(as_json)
    rows = {
        "whisper": {name: hub_models.whisper_repository(name) or "" for name in hub_models.whisper_names()},
        "aligners": hub_models.aligners(),
    }
    if not names:
        return _print_models(known, as_json)
    if len(names) != 1 or names[0] not in rows:
        raise OptionError(
            f"models list {' '.join(names)}: it takes no name, or one of {', '.join([*rows, 'estimators'])}"
        )
    found = [
        {"name": name, "repository": repository, "path": _folder(repository)}
        for name, repository in rows[names[0]].items()
    ]
    if as_json:
        print(dump_json({names[0]: found}))
        return None
    for row in found:
        what = row["name"] if names[0] == "whisper" else row["repository"]
        print(
            f"{row['name']}  {row['repository']}  {row['path'] or 'not here: ' + hub_models.how_to_get(str(what))}"
        )
    return None


def _list_estimators(as_json: bool) -> None:
    """Public weights of estimators and where they are: Genlock fetches none of them."""
    files = hub_models.estimator_files()
    if as_json:
        print(dump_json({"estimators": [{"name": name, "where": where} for name, where in files.items()]}))
        return
    for name, where in files.items():
        print("\n".join([name, *wrap(where, 80, initial_indent="    ", subsequent_indent="    ")]))


def _folder(repository: str) -> str | None:
    folder = hub_models.cached_folder(repository)
    return None if folder is None else str(folder)


def _print_models(known: Sequence[registry.ModelStatus], as_json: bool) -> None:
    if as_json:
        print(dump_json({"models": [status.to_dict() for status in known]}))
    else:
        for status in known:
            print(status)
        missing = [status.model.name for status in known if status.path is None]
        print(f"\nWhat is fetched goes to {default_registry().cache};\n--json says where each lies.")
        if missing:
            print(f"To fetch one that is not here: genlock models fetch {missing[0]}")


def _convert(names: Sequence[str], output: str | None, tokens: str | None, as_json: bool) -> None:
    if len(names) != 1:
        raise OptionError(f"models convert takes one checkpoint, not {len(names)}")
    made = convert_model(names[0], output, tokens)
    print(dump_json(made.to_dict()) if as_json else made)


def fetch_named(name: str) -> registry.FetchResult:
    """Fetch a model of the table, or a public one into the hub's cache, with a progress bar at a terminal.

    Raises
    ------
    MissingModel
        If it cannot be had.
    OptionError
        If the name is neither; the message names the nearest.
    """
    own = {status.model.name for status in registry.list_models()}
    if name not in own and hub_models.repository_of(name) is not None:
        return hub_models.fetch_repository(name)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(name, total=None)
        return registry.fetch(
            name, progress=lambda at: shown.update(task, completed=at.done_bytes, total=at.total_bytes)
        )
