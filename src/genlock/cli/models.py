"""``genlock models``: which model files are here, where they come from; fetch, verify and convert them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import tyro
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from genlock.cli.arguments import Json, Output
from genlock.core.errors import MissingModel, OptionError
from genlock.core.json_forms import dump_json
from genlock.tasks.convert_model import convert_model
from genlock.weights import registry

__all__ = ["models"]


def models(
    action: tyro.conf.Positional[str] = "list",
    names: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    output: Output = None,
    tokens: str | None = None,
    json: Json = False,
) -> None:
    """List, fetch, verify or convert model files. Only ``fetch`` ever touches the network.

    Args:
        action: list, fetch, verify or convert.
        names: Model names; ``default`` means those of the standard set-up (as does no name). For ``convert``: one
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


def _print_models(known: Sequence[registry.ModelStatus], as_json: bool) -> None:
    if as_json:
        print(dump_json({"models": [status.to_dict() for status in known]}))
    else:
        for status in known:
            print(status)


def _convert(names: Sequence[str], output: str | None, tokens: str | None, as_json: bool) -> None:
    if len(names) != 1:
        raise OptionError(f"models convert takes one checkpoint, not {len(names)}")
    made = convert_model(names[0], output, tokens)
    print(dump_json(made.to_dict()) if as_json else made)


def _fetch(name: str) -> registry.FetchResult:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(name, total=None)
        return registry.fetch(
            name, progress=lambda at: shown.update(task, completed=at.done_bytes, total=at.total_bytes)
        )
