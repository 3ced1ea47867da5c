"""Trainings begin with the weights of a model that is named, and refuse one that is built in another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.foley.test_contacts import some_model

from genlock.core.errors import FormatError, OptionError
from genlock.models.foley.codec import load_codec
from genlock.models.foley.contacts import ContactShape, load_contacts, save_contacts
from genlock.models.foley.vocoder import load_vocoder
from genlock.train.foley.beginnings import begin_with
from genlock.train.foley.codebook import CodecPair
from genlock.train.foley.contact_network import ContactNetwork
from genlock.train.foley.options import CodebookTraining, VocoderTraining
from genlock.train.foley.vocoder import VocoderPair


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


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_contacts(some_model(), tmp_path / "model.npz")
    other = ContactShape(width=8)
    with pytest.raises(OptionError, match="is built as"):
        begin_with(ContactNetwork(other), other, tmp_path, load_contacts)
    with pytest.raises(FormatError):
        begin_with(ContactNetwork(other), other, tmp_path / "nothing.npz", load_contacts)
