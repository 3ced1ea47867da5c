"""SpecVQGAN's networks from wherever they are: Lightning checkpoints, plain state dicts, or a folder of ours.

Pickles are read by :mod:`genlock.models.inert_pickle`, which builds tensors, numbers and texts and nothing else. Every
entry is accounted for: it is a weight of a network, or it is told why it is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from genlock.core.errors import FormatError, MissingModel, OptionError
from genlock.core.files import sha256_of
from genlock.core.json_forms import read_json_file, write_json
from genlock.models.foley.specvqgan.codebook import Codebook
from genlock.models.foley.specvqgan.layout import PARTS, Layout, build, recognise
from genlock.models.foley.specvqgan.melgan import MelGAN
from genlock.models.foley.specvqgan.transformer import CodeTransformer
from genlock.models.foley.specvqgan.vggishish import Vggishish
from genlock.models.inert_pickle import StoredTensor, read_inert
from genlock.models.state import fill_module, load_safetensors, save_safetensors

__all__ = ["FORM", "Loaded", "is_specvqgan", "load_specvqgan", "save_specvqgan"]

CONFIG = "config.json"
#: What ``config.json`` of a folder of ours says it is.
FORM = "specvqgan"
_PICKLES = (".pt", ".pth", ".ckpt", ".bin")
# Under one of these keys the entries of a checkpoint lie, if it is no plain state dict.
_WITHIN = ("state_dict", "model")


@dataclass(frozen=True, eq=False)
class Loaded:
    """The networks of a checkpoint, in evaluation mode; those that it does not hold are None."""

    form: str
    """``codebook``, ``transformer`` (which brings its codebook), ``melgan``, ``classifier`` or ``genlock``."""
    source: str
    """The file or folder."""
    sha256: str
    """Hash of the file, hexadecimal; of a folder of ours, of its ``config.json``."""
    parts: Mapping[str, torch.nn.Module]
    """The networks by the names of :data:`~.layout.PARTS`."""
    notes: tuple[str, ...] = ()
    """What of the source is left out, a sentence each."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Where a folder of ours is from."""

    @property
    def codebook(self) -> Codebook:
        """Raises OptionError if it holds none; so do the others."""
        found: Codebook = self._part("codebook", Codebook)
        return found

    @property
    def transformer(self) -> CodeTransformer:
        """The transformer."""
        found: CodeTransformer = self._part("transformer", CodeTransformer)
        return found

    @property
    def melgan(self) -> MelGAN:
        """The vocoder."""
        found: MelGAN = self._part("melgan", MelGAN)
        return found

    @property
    def classifier(self) -> Vggishish:
        """The classifier."""
        found: Vggishish = self._part("classifier", Vggishish)
        return found

    def _part(self, name: str, kind: type[Any]) -> Any:
        found = self.parts.get(name)
        if not isinstance(found, kind):
            raise OptionError(
                f"{self.source!r} holds {', '.join(self.parts)}, and no {name}; load the checkpoint that has it"
            )
        return found


def is_specvqgan(source: str | os.PathLike[str]) -> bool:
    """Whether a file or folder holds one of SpecVQGAN's networks, as far as names tell; False if it cannot be read."""
    path = Path(source)
    try:
        if path.is_dir():
            return read_json_file(path / CONFIG).get("model_type") == FORM
        recognise({name: tensor.shape for name, tensor in _entries_of(path).items()}, str(path))
    except FormatError as error:
        # One that is damaged is told as what it nearly is.
        return (
            "weights of SpecVQGAN" in str(error)
            or "weights of MelGAN" in str(error)
            or "VGGish-ish: " in str(error)
        )
    except (MissingModel, OSError):
        return False
    return True


def load_specvqgan(source: str | os.PathLike[str], heads: int | None = None) -> Loaded:
    """Load SpecVQGAN's networks, see the module.

    Parameters
    ----------
    source : a checkpoint as published (``.ckpt``, ``.pt``) or a folder of ours
    heads : of a transformer, which its entries do not tell; None: one for each 64 channels, as published

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is damaged, or its entries are not those of SpecVQGAN's networks; the message names the first that is
        wrong.
    """
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    entries = _entries_of(path)
    layout = recognise({name: tensor.shape for name, tensor in entries.items()}, str(path), heads)
    return Loaded(layout.form, str(path), sha256_of(path), _filled(layout, entries, str(path)), layout.notes)


def save_specvqgan(loaded: Loaded, folder: str | os.PathLike[str]) -> None:
    """Write networks into a folder: ``config.json`` and a ``.safetensors`` each.

    Raises OutputError if it cannot be written.
    """
    target = Path(folder)
    shapes = {name: _settings_of(network) for name, network in loaded.parts.items()}
    for name, network in loaded.parts.items():
        save_safetensors(network.state_dict(), target / f"{name}.safetensors")
    write_json(target / CONFIG, {"model_type": FORM, "parts": shapes, "facts": dict(loaded.facts)})


def _settings_of(network: torch.nn.Module) -> Any:
    """The JSON form of what a network is built from."""
    if isinstance(network, Vggishish):
        return network.classes
    assert isinstance(network, Codebook | CodeTransformer | MelGAN)
    return asdict(network.shape)


def _of_folder(folder: Path) -> Loaded:
    about = read_json_file(folder / CONFIG)
    named = about.get("parts")
    if about.get("model_type") != FORM or not isinstance(named, dict) or not set(named) <= set(PARTS):
        raise FormatError(
            f"{str(folder)!r} is no folder of SpecVQGAN's networks; convert a checkpoint into one"
        )
    parts = {}
    for name, form in named.items():
        file = folder / f"{name}.safetensors"
        try:
            network = build(name, PARTS[name].settings(form))
        except (OptionError, TypeError, KeyError, ValueError) as error:
            raise FormatError(f"{str(folder / CONFIG)!r} is damaged ({error}); convert again") from error
        fill_module(network, load_safetensors(file), str(file), PARTS[name].title)
        parts[name] = network.eval().requires_grad_(False)
    return Loaded(
        "genlock", str(folder), sha256_of(folder / CONFIG), parts, (), dict(about.get("facts") or {})
    )


class _Here:
    """A tensor that is read already, as :class:`StoredTensor`."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor
        self.shape = tuple(tensor.shape)

    def read(self) -> torch.Tensor:
        return self._tensor


def _entries_of(path: Path) -> dict[str, StoredTensor | _Here]:
    """The entries of a checkpoint, not read yet where it is a pickle."""
    if path.is_file() and path.suffix not in _PICKLES:
        return {name: _Here(tensor) for name, tensor in load_safetensors(path).items()}
    checkpoint = read_inert(path)
    entries = checkpoint if isinstance(checkpoint, dict) else {}
    for key in _WITHIN:
        if isinstance(entries.get(key), dict):
            entries = entries[key]
            break
    found = {str(name): each for name, each in entries.items()}
    odd = [name for name, each in found.items() if not isinstance(each, StoredTensor)]
    if not found or odd:
        raise FormatError(
            f"{str(path)!r} has {odd[0]!r} among its weights, which is no tensor"
            if odd
            else f"{str(path)!r} is no checkpoint: it has no weights, neither under 'state_dict' nor by themselves"
        )
    return found


def _filled(
    layout: Layout, entries: Mapping[str, StoredTensor | _Here], source: str
) -> dict[str, torch.nn.Module]:
    parts = {}
    for name, names in layout.names.items():
        network = build(name, layout.settings[name])
        state = {own: entries[theirs].read() for own, theirs in names.items()}
        fill_module(network, state, source, PARTS[name].title, names)
        parts[name] = network.eval().requires_grad_(False)
    return parts
