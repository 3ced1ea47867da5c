"""Trainings begin with the weights of a model that is named, and refuse one that is built in another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from tests.foley.test_contacts import some_model
from tests.models.foley.test_writer import events, small_writer
from tests.train.foley.test_writer import planted_clip

from genlock.core.errors import FormatError, OptionError
from genlock.core.track import Track
from genlock.models.foley.codec import load_codec
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.contacts import ContactShape, load_contacts, save_contacts
from genlock.models.foley.vocoder import load_vocoder
from genlock.models.foley.writer import load_writer
from genlock.train.foley.beginnings import begin_with, fitted_writer
from genlock.train.foley.codebook import CodecPair
from genlock.train.foley.contact_network import ContactNetwork
from genlock.train.foley.options import CodebookTraining, VocoderTraining
from genlock.train.foley.vocoder import VocoderPair
from genlock.train.foley.writer import WriterRecipe
from genlock.train.foley.writer_options import WriterTraining
from genlock.train.recipe import Exported


def test_codec_and_vocoder_go_on_from_those_that_are_here() -> None:
    coding, vocoding = CodebookTraining(), VocoderTraining()
    codec = begin_with(CodecPair(coding).codec, coding.codec, "foley-codec", load_codec)
    vocoder = begin_with(VocoderPair(vocoding).vocoder, vocoding.vocoder, "foley-vocoder", load_vocoder)
    for network, model in ((codec, load_codec()), (vocoder, load_vocoder())):
        for name, array in network.arrays().items():
            np.testing.assert_array_equal(array, model.arrays[name])


def test_contacts_go_on_and_nothing_named_changes_nothing(tmp_path: Path) -> None:
    model = some_model()
    save_contacts(model, tmp_path / "model.npz")
    network = begin_with(ContactNetwork(model.shape), model.shape, tmp_path, load_contacts)
    np.testing.assert_array_equal(network.arrays()["enter.weight"], model.arrays["enter.weight"])
    plain = ContactNetwork(model.shape)
    before = {name: array.copy() for name, array in plain.arrays().items()}
    begin_with(plain, model.shape, "", load_contacts)
    assert all(np.array_equal(before[name], array) for name, array in plain.arrays().items())


def test_a_writer_goes_on_with_materials_and_classes_of_its_own() -> None:
    """What it is told of what it knew it writes as before, and a class that it has not learnt yet sounds as any."""
    old = small_writer()
    new = fitted_writer(old, (*EVENT_CHANNELS, "bone", "glass", "wood"), ("cat", "roll"))
    told = events(30)
    moved = np.zeros((30, 9), np.float32)
    moved[:, :6] = told.values[:, :6]
    moved[:, 7], moved[:, 8] = told.values[:, 7], told.values[:, 6]
    moved[:, 6] = 0.5  # a material of which nothing was learnt tells nothing
    both = Track(moved, told.grid)
    known = np.minimum(told.values[:, :1] + told.values[:, 5:6], 1)
    assert np.abs(new.conditions(both)[:, 7:] - (told.values[:, [7, 6]] * known)).max() < 1e-6
    for now, before in (("cat", ""), ("roll", "roll"), ("", "")):
        np.testing.assert_array_equal(
            new.write(both, class_name=now).values, old.write(told, class_name=before).values
        )
    assert fitted_writer(old, old.channels, old.classes) is old


def test_a_training_of_a_writer_begins_with_given_weights(tmp_path: Path) -> None:
    clips = [replace(planted_clip(k), label=("dog", "drum")[k % 2]) for k in range(4)]
    training = WriterTraining(width=32, layers=1, reach=8)
    begun = WriterRecipe(clips, [], load_codec(), training)
    torch.manual_seed(0)
    begun.export(Exported(None, begun.model().state_dict()), tmp_path, {})
    o = replace(training, start=str(tmp_path), classes=True)
    found = WriterRecipe(clips, [], load_codec(), o)
    weights = found.model().arrays()
    assert found.classes == ("dog", "drum")
    assert (weights["classes.weight"] == 0).all()  # they sound as any did
    for name, array in load_writer(tmp_path).arrays.items():
        np.testing.assert_array_equal(weights[name], array)
    with pytest.raises(OptionError, match="is built as"):
        WriterRecipe(clips, [], load_codec(), replace(o, width=16)).model()
    # What the writer writes for a clip, and what it attends to, lies beside it, seen and heard.
    named = {"0-true.wav", "0-made.wav", "0.png", "0-attention.png"}
    assert named <= {path.name for path in (tmp_path / "heard").iterdir()}


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_contacts(some_model(), tmp_path / "model.npz")
    other = ContactShape(width=8)
    with pytest.raises(OptionError, match="is built as"):
        begin_with(ContactNetwork(other), other, tmp_path, load_contacts)
    with pytest.raises(FormatError):
        begin_with(ContactNetwork(other), other, tmp_path / "nothing.npz", load_contacts)
