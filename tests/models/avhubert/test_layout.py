"""A checkpoint is refused if an entry is missing, unknown or of another shape, and every such entry is named."""

from __future__ import annotations

import re
from typing import Any

import pytest

from genlock.core.errors import FormatError
from genlock.models.avhubert.layout import recognise
from genlock.models.avhubert.shape import decoder_preset, preset

Shapes = dict[str, tuple[int, ...]]


@pytest.fixture(scope="module", params=["pretrained", "finetuned", "align", "port"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shapes_and_settings(forms: Any, form: str, size: str) -> tuple[Shapes, dict[str, Any]]:
    found = forms.entries(form, forms.listing(size), forms.decoder_listing(size))
    settings = forms.settings_of(form, size)
    inner = settings.pop("w2v_args", {}).get("model", {})
    return found, {**settings, **inner}


def of_each_kind(found: Shapes) -> Shapes:
    """The entries outside the layers, and those of the first and of the last layer: layers between are alike."""
    numbers = {name: re.search(r"encoder\.layers\.(\d+)\.|decoder\.layers\.(\d+)\.", name) for name in found}
    last = [max((int(m[k] or 0) for m in numbers.values() if m), default=0) for k in (1, 2)]
    between = {
        n for n, m in numbers.items() if m and not any(m[k] in ("0", str(last[k - 1])) for k in (1, 2))
    }
    return {name: shape for name, shape in found.items() if name not in between}


@pytest.mark.parametrize("size", ["tiny", "base", "large"])
def test_public_sizes_are_recognised(form: str, size: str, forms: Any, plan: Any) -> None:
    found, settings = shapes_and_settings(forms, form, size)
    layout = recognise(found, "x.pt", settings)
    assert layout.form == {"align": "pretrained"}.get(form, form)
    assert layout.aligns == (form == "align")
    whole = form in ("pretrained", "align")
    assert layout.encoder.clusters == (found["label_embs_concat"][0] if whole else 0)
    assert (layout.decoder is None) == whole
    assert not layout.notes
    if whole:
        known = {"tiny": plan.TINY}.get(size) or preset(size)
        assert layout.encoder == known
    else:
        assert layout.decoder == ({"tiny": plan.TINY_DECODER}.get(size) or decoder_preset(size))
    assert sorted(layout.names.values()) == sorted(found)


@pytest.mark.parametrize("size", ["base", "large"])
def test_without_settings_the_public_sizes_are_meant(form: str, size: str, forms: Any) -> None:
    found, settings = shapes_and_settings(forms, form, size)
    assert recognise(found, "x.pt") == recognise(found, "x.pt", settings)


@pytest.mark.parametrize("with_settings", [True, False])
def test_every_missing_entry_is_named(form: str, with_settings: bool, forms: Any) -> None:
    found, settings = shapes_and_settings(forms, form, "base")
    for name in of_each_kind(found):
        if name.endswith("num_batches_tracked") or name == "logit_scale_a":
            continue
        less = {other: shape for other, shape in found.items() if other != name}
        with pytest.raises(FormatError) as caught:
            recognise(less, "x.pt", settings if with_settings else None)
        assert repr(name) in str(caught.value) or name in str(caught.value).split(":")[1], name
        assert "'x.pt'" in str(caught.value)


def test_every_other_shape_is_named(form: str, forms: Any) -> None:
    found, settings = shapes_and_settings(forms, form, "base")
    for name, shape in of_each_kind(found).items():
        wrong = (*shape[:-1], shape[-1] + 1) if shape else (1,)
        with pytest.raises(FormatError, match="has the shape") as caught:
            recognise({**found, name: wrong}, "x.pt", settings)
        assert f"{name!r} has the shape" in str(caught.value)


def test_without_settings_another_shape_is_named_too(forms: Any) -> None:
    found = forms.listing("base")
    for name, shape in of_each_kind(found).items():
        if name == "label_embs_concat" or not shape:
            continue
        wrong = (shape[0] + 1, *shape[1:])
        with pytest.raises(FormatError) as caught:
            recognise({**found, name: wrong}, "x.pt")
        assert name in str(caught.value)


def test_an_unknown_entry_is_named(form: str, forms: Any) -> None:
    found, settings = shapes_and_settings(forms, form, "tiny")
    prefixes = {"finetuned": "encoder.w2v_model.", "port": "model.encoder."}
    for name in (f"{prefixes.get(form, '')}extra.weight", "somewhere.else"):
        with pytest.raises(FormatError, match=f"'{name}' is unknown"):
            recognise({**found, name: (3,)}, "x.pt", settings)


def test_a_model_of_another_size_than_its_settings(forms: Any) -> None:
    found = forms.listing("base")
    with pytest.raises(FormatError, match="are missing"):
        recognise(found, "x.pt", {"encoder_layers": 24})
    fewer = {name: shape for name, shape in found.items() if ".layers.11." not in name}
    with pytest.raises(FormatError, match=r"encoder\.layers\.11"):
        recognise(fewer, "x.pt", forms.settings_of("pretrained", "base"))


@pytest.mark.parametrize(
    "setting", [{"modality_fuse": "add"}, {"wav_input": True}, {"decoder_normalize_before": False}]
)
def test_settings_of_another_network_are_refused(setting: dict[str, Any], forms: Any) -> None:
    (name,) = setting
    with pytest.raises(FormatError, match=name):
        recognise(forms.listing("tiny"), "x.pt", {**forms.settings_of("pretrained", "tiny"), **setting})


def test_something_else(forms: Any) -> None:
    with pytest.raises(FormatError, match="holds no AV-HuBERT"):
        recognise({"conv1.weight": (3, 3)}, "x.pt")
    with pytest.raises(FormatError, match="holds no AV-HuBERT"):
        recognise({}, "x.pt")


def test_what_is_left_out_is_told(forms: Any) -> None:
    found, settings = shapes_and_settings(forms, "finetuned", "tiny")
    more = {
        "encoder.w2v_model.mask_emb": (104,),
        "encoder.w2v_model.label_embs_concat": (20, 32),
        "decoder.version": (1,),
        "decoder.output_projection.weight": found["decoder.embed_tokens.weight"],
    }
    layout = recognise({**found, **more}, "x.pt", settings)
    assert layout.copies == ("decoder.output_projection.weight",)
    assert len(layout.notes) == 2
    assert "mask_emb" in layout.notes[0]
    assert "decoder.version" in layout.notes[1]


def test_a_port_that_keeps_its_tied_matrix_under_another_name(forms: Any) -> None:
    found, settings = shapes_and_settings(forms, "port", "tiny")
    shape = found.pop("model.decoder.embed_tokens.weight")
    layout = recognise({**found, "lm_head.weight": shape}, "x", settings)
    assert layout.names["decoder.embed_tokens.weight"] == "lm_head.weight"
