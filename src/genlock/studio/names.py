"""What a page chooses by name: models and checkpoints that are here, faces, finders, libraries of sounds, films."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from genlock.animation.faces.base import GROUP as FACES
from genlock.core.plugins import plugin_names
from genlock.data.corpora.listing import CorpusFolder
from genlock.foley.finding import GROUP as FINDERS
from genlock.foley.one_shots import SOUND_ENDINGS
from genlock.studio.folder import StudioFolder
from genlock.studio.shelf import Shelf
from genlock.tasks.sound_models import GROUP as SOUNDERS
from genlock.weights import list_models

__all__ = [
    "aligners",
    "ctc_models",
    "event_models",
    "faces",
    "films",
    "finders",
    "identities",
    "libraries",
    "recognizers",
    "sounders",
    "sounds",
    "talkers",
]

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
Found = dict[str, str]


def _models(beginning: str) -> list[str]:
    """Models of the registry that are here and begin so."""
    return [s.model.name for s in list_models() if s.path is not None and s.model.name.startswith(beginning)]


def _runs(folder: StudioFolder, recipes: Collection[str], prefix: str = "") -> Found:
    """The models that runs of such recipes have made, by the names of their folders."""
    runs = Shelf(folder).runs()
    return {
        f"{prefix}{run.name}": f"{prefix}{run.model}" for run in runs if run.recipe in recipes and run.model
    }


def _same(names: Iterable[str]) -> Found:
    return {name: name for name in names}


def talkers(folder: StudioFolder) -> Found:
    """Who moves a face."""
    return {**_same(_models("talker-")), **_runs(folder, ("talker",))}


def identities(folder: StudioFolder) -> Found:
    """Whose face it is: nobody's, or that of a picture or a film of the folder."""
    listed = CorpusFolder(folder.root, own_too=True)
    pictures = {name: str(folder.root / name) for name in listed.names(_PICTURES) if folder.inside(name)}
    return {"neutral": "neutral", **films(folder), **pictures}


def films(folder: StudioFolder) -> Found:
    """The films of the folder."""
    return {
        file.name: str(file.path)
        for file in folder.files()[0]
        if file.path.suffix.lower() not in SOUND_ENDINGS
    }


def sounds(folder: StudioFolder) -> Found:
    """What has a sound, perhaps."""
    return {file.name: str(file.path) for file in folder.files()[0]}


def faces(folder: StudioFolder) -> Found:
    """Drawn faces."""
    return _same(plugin_names(FACES))


def finders(folder: StudioFolder) -> Found:
    """Who finds events."""
    return _same(["auto", *plugin_names(FINDERS)])


def event_models(folder: StudioFolder) -> Found:
    """What a finder has learnt."""
    return {**_same(_models("foley-contacts")), **_runs(folder, ("contacts",))}


def sounders(folder: StudioFolder) -> Found:
    """Who makes sound without a library."""
    return {**_same(["auto", "modal", *plugin_names(SOUNDERS)]), **_runs(folder, ("writer",), "writer:")}


def libraries(folder: StudioFolder) -> Found:
    """Folders of one-shots: those below the studio's that hold sounds, and those above them."""
    listed, found = CorpusFolder(folder.root, own_too=True), set()
    for name in listed.names(SOUND_ENDINGS):
        parts = name.split("/")[:-1]
        found |= {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
    inside = sorted(name for name in found if folder.inside(name))
    return {name: str(folder.root / name) for name in inside}


def _speech(folder: StudioFolder, group: str) -> Found:
    known = _same(["auto", *(name for name in plugin_names(group) if name != "avsr")])
    models = {f"avsr:{name}": f"avsr:{name}" for name in _models("avsr-")}
    return {**known, **models, **_runs(folder, ("avsr",), "avsr:")}


recognizers = partial(_speech, group="genlock.recognizers")
aligners = partial(_speech, group="genlock.aligners")


def ctc_models(folder: StudioFolder) -> Found:
    """CTC checkpoints of runs."""
    return _runs(folder, ("ctc", "wav2vec2"))
