"""A writer writes the same codes with and without a cache, whole and in pieces, and as the network that learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.sampling import Sampling, draw
from genlock.models.foley.writer import Writer, load_writer, save_writer
from genlock.models.foley.writer_network import (
    WriterShape,
    array_shapes,
    run_conditions,
    run_history,
    tell_code,
)
from genlock.weights.npz_model import put_beside

CHANNELS = (*EVENT_CHANNELS, "wood", "glass")
SMALL = WriterShape(codes=12, conditions=8, width=16, layers=3, heads=2, reach=7, dilations=(1, 2), classes=2)


def small_writer(seed: int = 0) -> Writer:
    random = np.random.default_rng(seed)
    arrays = {
        name: (random.normal(size=shape) * 2 / np.sqrt(shape[-1])).astype(np.float32)
        for name, shape in array_shapes(SMALL).items()
    }
    return Writer(SMALL, arrays, CHANNELS, {"impulse": -1.0}, {"size": 2.0}, ("hit", "roll"), "some-codec")


def events(columns: int = 60, seed: int = 3) -> Track:
    values = np.random.default_rng(seed).random((columns, len(CHANNELS)))
    return Track(values.astype(np.float32), Grid(50, "1/3"))


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_the_same_codes_with_and_without_a_cache(guidance: float) -> None:
    writer, given, sampling = small_writer(), events(), Sampling(guidance=guidance)
    found = []
    for cached in (True, False):
        stream = writer.stream((0, 5), sampling, cached=cached)
        found.append(np.concatenate([stream.push(given).values, stream.finish().values]))
    np.testing.assert_array_equal(*found)
    assert found[0].shape == (60, 2, 2)
    assert len(np.unique(found[0])) > 6  # not one code for ever


def test_pieces_and_takes_do_not_matter() -> None:
    writer, given = small_writer(), events(300)
    whole = writer.write(given, seeds=(1, 2))
    stream, parts = writer.stream((2,)), []
    for first in range(0, 300, 37):
        parts.append(stream.push(given.part(range(first, min(first + 37, 300)))))
    parts.append(stream.finish())
    assert whole.grid == given.grid == parts[0].grid
    np.testing.assert_array_equal(np.concatenate([p.values for p in parts])[:, 0], whole.values[:, 1])
    assert (whole.values[:, 0] != whole.values[:, 1]).any()


def test_later_events_matter_only_within_the_latency() -> None:
    writer, given = small_writer(), events()
    changed = given.values.copy()
    changed[40:] = 0
    ahead = int(writer.latency * 50)
    before = writer.write(given).values
    after = writer.write(Track(changed, given.grid)).values
    np.testing.assert_array_equal(before[: 40 - ahead], after[: 40 - ahead])
    assert (before[40 - ahead :] != after[40 - ahead :]).any()


def test_a_given_sound_is_gone_on_with() -> None:
    writer, prime = small_writer(), np.arange(20).reshape(10, 2) % 12
    primed = writer.write(events(), prime=prime).values[:, 0]
    np.testing.assert_array_equal(primed[:10], prime)
    # Random numbers are those of the column, so a take that is primed by itself is itself.
    alone = writer.write(events()).values[:, 0]
    np.testing.assert_array_equal(writer.write(events(), prime=alone[:25]).values[:, 0], alone)


def test_a_class_changes_what_is_written() -> None:
    writer = small_writer()
    found = [writer.write(events(), class_name=name).values for name in ("hit", "roll", "")]
    assert (found[0] != found[1]).any()
    assert (found[0] != found[2]).any()


def test_attention_is_told_by_how_far_back_it_goes() -> None:
    writer = small_writer()
    # Heads of the second layer that listen to one distance only: 0 is the column itself.
    writer.arrays["places.1"][:] = -50
    writer.arrays["places.1"][0, 3] = writer.arrays["places.1"][1, 6] = 50
    codes = writer.write(events()).values[:, 0]
    seen = writer.attention(events(), codes)
    assert (seen.grid, seen.values.shape) == (events().grid, (60, 3, 2, 7))
    np.testing.assert_allclose(seen.values.sum(axis=3), 1, atol=1e-5)
    assert (seen.values[6:, 1, 0].argmax(axis=1) == 3).all()
    assert (seen.values[6:, 1, 1].argmax(axis=1) == 6).all()
    # The first column has none before it.
    np.testing.assert_allclose(seen.values[0, :, :, 0], 1, atol=1e-6)
    with pytest.raises(InputError, match="do not belong"):
        writer.attention(events(), codes[:5])


def test_codec_and_vocoder_beside_a_writer_are_found_where_it_is_moved_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.npz").write_bytes(b"a codec")
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    named = put_beside("mine", "run", "codec.npz")  # as typed, relative to where it is typed
    save_writer(replace(small_writer(), codec=named, vocoder="foley-vocoder"), "run/model.npz")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").rename(tmp_path / "elsewhere" / "run")
    again = load_writer(tmp_path / "elsewhere" / "run")
    assert again.codec == str(tmp_path / "elsewhere" / "run" / "codec.npz")
    assert (tmp_path / "elsewhere" / "run" / "codec.npz").read_bytes() == b"a codec"
    assert again.vocoder == "foley-vocoder"
    with pytest.raises(FormatError, match="cannot be read"):
        put_beside("no/such/codec", "elsewhere", "codec.npz")


def test_bad_input_is_told() -> None:
    writer = small_writer()
    with pytest.raises(OptionError, match="hit, roll"):
        writer.write(events(), class_name="bang")
    with pytest.raises(InputError, match="8 channels"):
        writer.write(Track(np.zeros((3, 5)), Grid(50)))
    with pytest.raises(InputError, match="50 a second"):
        writer.write(Track(np.zeros((3, 8)), Grid(25)))
    with pytest.raises(InputError, match=r"0\.\.\.11"):
        writer.write(events(), prime=[[12, 0]])
    with pytest.raises(OptionError, match="top_p"):
        Sampling(top_p=0)


def test_sampling_follows_the_shares() -> None:
    scores = np.log(np.float32([[0.5, 0.3, 0.15, 0.05]]))
    chances = np.linspace(0.0005, 0.9995, 1000)
    plain = draw(np.repeat(scores, 1000, 0), chances, Sampling(temperature=1, top_k=0, top_p=1))
    assert np.bincount(plain).tolist() == pytest.approx([500, 300, 150, 50], abs=1)
    few = draw(np.repeat(scores, 1000, 0), chances, Sampling(temperature=1, top_k=2, top_p=1))
    assert np.bincount(few).tolist() == pytest.approx([625, 375], abs=1)
    most = draw(np.repeat(scores, 1000, 0), chances, Sampling(temperature=1, top_k=0, top_p=0.79))
    assert np.bincount(most).tolist() == pytest.approx([625, 375], abs=1)


def test_file(tmp_path) -> None:
    writer = small_writer()
    save_writer(writer, tmp_path / "model.npz")
    again = load_writer(tmp_path)
    assert (again.codec, again.classes, again.channels) == ("some-codec", ("hit", "roll"), CHANNELS)
    np.testing.assert_array_equal(again.write(events()).values, writer.write(events()).values)


def test_a_model_that_is_trained_anew_is_read_anew(tmp_path: Path) -> None:
    """It was read once in a process, whatever became of its file."""
    save_writer(small_writer(0), tmp_path / "model.npz")
    before = load_writer(tmp_path)
    assert load_writer(tmp_path).arrays is before.arrays
    save_writer(replace(small_writer(1), classes=("hit", "drag")), tmp_path / "model.npz")
    assert load_writer(tmp_path).classes == ("hit", "drag")


def test_the_network_that_learns_is_the_same() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.foley.writer_network import WriterNetwork

    torch.manual_seed(0)
    network = WriterNetwork(SMALL).eval()
    with torch.no_grad():
        for place in network.places:
            place.normal_()
    arrays = network.arrays()
    assert {name: a.shape for name, a in arrays.items()} == array_shapes(SMALL)
    random = np.random.default_rng(0)
    codes, conditions = random.integers(0, 12, (1, 30, 2)), random.random((1, 30, 8)).astype(np.float32)
    there = torch.ones(1, 30, dtype=torch.bool)
    given = torch.from_numpy(codes)
    with torch.no_grad():
        theirs = network(given, given, torch.from_numpy(conditions), there, there, torch.tensor([1]))
    told = run_conditions(conditions[0], arrays, SMALL)[None]
    state = run_history(codes, told, np.array([1]), arrays, SMALL)[0]
    for token in range(2):
        ours = tell_code(state, codes[0, :, :token], arrays, SMALL)
        np.testing.assert_allclose(ours, theirs[token][0].numpy(), atol=1e-4)
