"""What a dataset is made with: what is asked for now, and where nothing is said what it was begun with.

Outputs and labels that a dataset has stay. What would throw away what was made (another cut, another recipe, another
corpus) is refused unless ``--replace`` asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.json_forms import read_json_file
from genlock.core.time import exact, fraction_text
from genlock.data.corpora import Corpus, find_corpus
from genlock.data.labels import parse_labels
from genlock.data.ledger import Ledger
from genlock.data.options import PrepareOptions
from genlock.data.output_spec import Wanted, parse_outputs

__all__ = ["Settings", "require_the_same_corpus", "settings_of_dataset"]

_DEFAULTS = {"recipe": "folder", "split": "0.8/0.1/0.1", "group": "auto", "seed": 0}


@dataclass(frozen=True)
class Settings:
    """What a dataset is made with."""

    recipe: str
    """The kind of corpus."""
    outputs: tuple[str, ...]
    """Outputs of each clip, as ``--outputs`` says them, sorted."""
    clip_seconds: str | None
    """Exact length of a clip in seconds; None: each source is one clip."""
    keep_tails: bool
    """Whether what is left at the end of a source is kept."""
    split: str
    """Shares of train, valid and test."""
    group: str
    """What is never in two splits."""
    seed: int
    """Of the splits."""
    labels: tuple[str, ...]
    """Labels, as ``--labels`` says them, sorted."""

    @classmethod
    def of(cls, options: PrepareOptions, before: Settings | None) -> Settings:
        """What is asked for, completed by what the dataset has.

        Parameters
        ----------
        before : what the dataset was made with; None: nothing was made yet, or all of it is to be replaced

        Raises OptionError if what the dataset has would have to go.
        """
        chosen = {
            name: _first(getattr(options, name), getattr(before, name, None), default)
            for name, default in _DEFAULTS.items()
        }
        corpus = find_corpus(chosen["recipe"])
        cut, tails = _cut(options, corpus), options.keep_tails
        labels = {spec.text for spec in parse_labels(options.labels)}
        outputs = options.outputs
        if before is not None:
            _require_the_same(options, before, cut)
            cut, tails = before.clip_seconds, before.keep_tails
            labels |= set(before.labels)
        texts = {one.with_layer(options.layer).text for one in parse_outputs(outputs or corpus.outputs)}
        if before is not None:
            texts = set(before.outputs) | (texts if outputs else set())
        texts |= _features_of_labels(labels, texts)
        parse_outputs(",".join(sorted(texts)))  # they must also fit each other
        return cls(
            outputs=tuple(sorted(texts)),
            clip_seconds=cut,
            keep_tails=tails,
            labels=tuple(sorted(labels)),
            **chosen,
        )

    def text(self) -> str:
        """A JSON form, for the ledger."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """The inverse of :meth:`text`."""
        body = json.loads(text)
        known = {name: body[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "outputs": tuple(body["outputs"]), "labels": tuple(body["labels"])})


def require_the_same_corpus(known: Collection[str], listed: Collection[str], folder: Path) -> None:
    """Raise InputError if a folder has none of the sources that a dataset knows: it is another corpus, or a disk
    that is not there."""
    if known and not set(known) & set(listed):
        raise InputError(
            f"none of the {len(known)} sources of the dataset lies in {str(folder)!r}, such as {min(known)!r}: name "
            "the folder that it was made from, choose another dataset with -o, or say --replace"
        )


def settings_of_dataset(ledger: Ledger, place: Path) -> Settings | None:
    """What a dataset was made with; None if nothing of it is made, so that nothing can be lost."""
    made = ledger.outputs_made()
    if not made:
        return None
    text = ledger.fact("settings")
    if text is not None:
        return replace(Settings.from_text(text), outputs=tuple(made))
    noted, cut = _noted(place), json.loads(ledger.cuttings()[0])
    return Settings(
        outputs=tuple(made),
        clip_seconds=cut["clip_seconds"],
        keep_tails=cut["keep_tails"],
        labels=tuple(sorted(_labels_there(place))),
        recipe=noted.get("recipe", _DEFAULTS["recipe"]),
        split=noted.get("split", _DEFAULTS["split"]),
        group=noted.get("group", _DEFAULTS["group"]),
        seed=noted.get("seed", _DEFAULTS["seed"]),
    )


def _noted(place: Path) -> Mapping[str, Any]:
    """What a dataset of an earlier genlock says of itself; nothing if it was not finished."""
    try:
        return read_json_file(place / "dataset.json")
    except FormatError:
        return {}


def _labels_there(place: Path) -> list[str]:
    found = []
    for path in place.glob("kmeans-*/fit.json"):
        try:
            fit = read_json_file(path)
        except FormatError:
            continue
        found.append(f"kmeans:{fit['feature']}:{fit['clusters']}")
    return found


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _cut(options: PrepareOptions, corpus: Corpus) -> str | None:
    length = _first(options.clip_seconds, corpus.clip_seconds)
    if length in (None, "whole"):
        return None
    seconds = exact(length)
    if seconds <= 0:
        raise InputError(f"clips of {length} s are not possible; give a length above zero")
    return fraction_text(seconds)


def _require_the_same(options: PrepareOptions, before: Settings, cut: str | None) -> None:
    other = {}
    if options.recipe is not None and options.recipe != before.recipe:
        other["--recipe"] = (options.recipe, before.recipe)
    if options.clip_seconds is not None and cut != before.clip_seconds:
        other["--clip-seconds"] = (options.clip_seconds, before.clip_seconds or "whole")
    if before.keep_tails and not options.keep_tails:
        other["--no-keep-tails"] = ("given", "not given")
    for name, (now, then) in other.items():
        raise OptionError(
            f"{name} {now}: the dataset was begun with {then}, and its {', '.join(before.outputs)} would be lost; "
            "leave it out, choose another dataset with -o, or say --replace"
        )


def _features_of_labels(labels: Collection[str], texts: Collection[str]) -> set[str]:
    """The features that are labelled and that no output gives: labels of ``lips`` need no output of that name."""
    there = {name for text in texts for name in (Wanted.parse(text).kind, Wanted.parse(text).name)}
    wanted = [Wanted.parse(spec.feature) for spec in parse_labels(",".join(labels))]
    return {one.text for one in wanted if one.kind not in there}
