"""Talkers in use: networks as torch has them, instants that are true, pieces that make the whole, every frame rate."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.track import Track
from genlock.models.talker.basis import FaceBasis, non_negative
from genlock.models.talker.inputs import Heard, Listener, Listening, hear
from genlock.models.talker.levels import Leveling
from genlock.models.talker.networks import NetworkShape, array_shapes, run_network
from genlock.models.talker.resting import INNER_LOWER, opening_of, resting_face
from genlock.models.talker.talker import Emphasis, Talker, load_talker, save_talker

MEL = Grid.of_windows(sample_rate=16000, hop=160, first_center=Fraction(399, 2))
SHAPES = {
    "convolution": NetworkShape(width=16, dilations=(1, 2, 4)),
    "causal convolution": NetworkShape(width=16, dilations=(1, 2, 4), causal=True, delay=5),
    "gru": NetworkShape("gru", width=12),
    "lstm with time delay": NetworkShape("lstm", width=12, layers=1, causal=True, delay=10),
    "transformer": NetworkShape("transformer", width=16, reach=5),
    "causal transformer": NetworkShape("transformer", width=16, reach=5, causal=True),
}


def _speech(cells: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Log bands that rise and fall like speech, with a pause."""
    random = np.random.default_rng(seed)
    loud = 14 + 3 * np.sin(np.arange(cells) / 9) + random.normal(0, 0.5, cells)
    loud[cells // 3 : cells // 2] = 6
    return (loud[:, None] + random.normal(0, 1, (cells, 80))).astype(np.float32)


def _talker(shape: NetworkShape, seed: int = 0, leveling: Leveling | None = None, **more: object) -> Talker:
    random = np.random.default_rng(seed)
    listening = Listening(leveling=leveling or Leveling(), mean={"mel:kaldi": np.full(80, -4, np.float32)})
    arrays = {
        name: random.normal(0, 0.15, size).astype(np.float32)
        for name, size in array_shapes(shape, listening.width, 4).items()
    }
    return replace(Talker(FaceBasis.planted(), listening, shape, arrays), **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize("kind", SHAPES)
def test_numpy_says_what_torch_says_and_padding_changes_nothing(kind: str) -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.talker.networks import TalkerNetwork

    network = TalkerNetwork(SHAPES[kind], 6, 4, dropout=0.5, manners=3).eval()
    torch.manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    heard = np.random.default_rng(0).normal(size=(2, 40, 6)).astype(np.float32)
    with torch.no_grad():
        found = network(torch.from_numpy(heard), torch.tensor([40, 23])).numpy()
    arrays = network.arrays()
    assert set(arrays) == set(array_shapes(SHAPES[kind], 6, 4))
    assert np.allclose(run_network(heard[0], arrays, SHAPES[kind]), found[0], atol=2e-5)
    assert np.allclose(run_network(heard[1, :23], arrays, SHAPES[kind]), found[1, :23], atol=2e-5)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_network_looks_as_far_as_it_says(kind: str) -> None:
    shape = SHAPES[kind]
    talker, rows = _talker(shape), np.random.default_rng(0).normal(size=(120, 160)).astype(np.float32)
    arrays = {name: 4 * array for name, array in talker.arrays.items()}
    before = run_network(rows, arrays, shape)
    changed = rows.copy()
    changed[70] *= -3
    moved = np.flatnonzero(np.abs(run_network(changed, arrays, shape) - before).max(axis=1) > 1e-6)
    ahead, back = shape.lookahead, shape.lookback
    assert ahead is None or moved.min() == 70 - ahead
    if back is not None:
        # A delayed network sees everything later.
        assert moved.max() == 70 + back - (shape.delay if shape.causal else 0)


# ---------------------------------------------------------------- instants


def test_a_click_is_heard_at_the_cell_around_it() -> None:
    values = np.full((300, 80), 3.0, np.float32)
    values[123] = 18.0
    heard = hear({"mel:kaldi": Track(values, MEL)}, Listening(leveling=Leveling(usual_weight=0)))
    loudest = int(np.argmax(heard.values.reshape(len(heard), 2, 80).mean(axis=2).max(axis=1)))
    cell = heard.grid.part(range(loudest, loudest + 1))
    assert cell.edge(0) <= MEL.center(123) < cell.edge(1)
    # The instants that are read are the feature's own: nothing is smeared into the cells beside.
    beside = heard.values[[loudest - 1, loudest + 1]]
    assert np.abs(beside - heard.values[10]).max() < 0.05


@pytest.mark.parametrize("future", [4, 0])
def test_pieces_of_any_length_are_heard_like_the_whole(future: int) -> None:
    listening = Listening(leveling=Leveling(future=future))
    track = Track(_speech(1234), MEL, np.arange(1234) % 97 > 3)
    whole, listener, random = (
        hear({"mel:kaldi": track}, listening),
        Listener(listening),
        np.random.default_rng(3),
    )
    parts, k = [], 0
    while k < len(track):
        count = int(random.integers(1, 140))
        parts.append(listener.push({"mel:kaldi": track.part(range(k, min(k + count, len(track))))}))
        k += count
    parts.append(listener.finish())
    assert np.array_equal(np.concatenate([p.values for p in parts]), whole.values)
    assert np.array_equal(np.concatenate([p.valid for p in parts]), whole.valid)
    assert all(a.end == b.start for a, b in itertools.pairwise(parts) if len(b))


def test_level_and_microphone_do_not_matter_but_silence_stays_silent() -> None:
    bands, tilt = _speech(600), np.linspace(-2, 2, 80, dtype=np.float32)
    listening = Listening(leveling=Leveling(usual_weight=0))
    plain, other = (hear({"mel:kaldi": Track(b, MEL)}, listening).values for b in (bands, bands + 3 + tilt))
    assert np.abs(plain - other)[20:-20].mean() < 0.15
    silent = hear({"mel:kaldi": Track(np.full((600, 80), -15, np.float32), MEL)}, listening).values
    assert np.abs(silent).max() < 1e-4


def test_words_and_other_features_are_heard_beside_each_other() -> None:
    listening = Listening(
        (Heard("mfcc:psf", 13, "standard"), Heard("phones", 2, "spans", 1, ("AA", "M"))),
        mean={"mfcc:psf": np.full(13, 2, np.float32)},
        spread={"mfcc:psf": np.full(13, 4, np.float32)},
    )
    tracks = {
        "mfcc:psf": Track(np.full((100, 13), 6, np.float32), MEL),
        "phones": Spans([Span("0.2", "0.4", "M"), Span("0.4", "0.5", "ZH"), Span("0.5", "0.8", "AA")]),
    }
    heard = hear(tracks, listening)
    assert heard.values.shape[1] == listening.width == 28
    assert np.allclose(heard.values[10, :26], 1)
    spoken = heard.values[:, 26:]
    centers = heard.centers
    assert np.array_equal(spoken[:, 1] > 0, (centers >= 0.2) & (centers < 0.4))
    assert np.array_equal(spoken[:, 0] > 0, (centers >= 0.5) & (centers < 0.8))


def test_what_is_missing_is_named() -> None:
    track = Track(np.zeros((50, 80), np.float32), MEL)
    with pytest.raises(InputError, match="'mel:kaldi'.*not among: mfcc"):
        hear({"mfcc": track}, Listening())
    with pytest.raises(InputError, match="rows of shape"):
        hear({"mel:kaldi": track.map(lambda v: v[:, :40])}, Listening())
    with pytest.raises(InputError, match="nothing to hear"):
        hear({"mel:kaldi": track.part(range(0))}, Listening())
    listener = Listener(Listening())
    listener.push({"mel:kaldi": track})
    with pytest.raises(InputError, match="does not follow"):
        listener.push({"mel:kaldi": track})


# ---------------------------------------------------------------- whole, in pieces, at any rate


@pytest.mark.parametrize("kind", ["convolution", "causal convolution", "transformer"])
def test_a_stream_says_what_the_whole_says(kind: str) -> None:
    causal = SHAPES[kind].causal
    talker = _talker(
        SHAPES[kind],
        leveling=Leveling(future=0) if causal else None,
        emphasis=Emphasis(1.2, 0 if causal else 0.5),
    )
    track = Track(_speech(4000), MEL)
    whole, stream = talker.weights({"mel:kaldi": track}), talker.stream()
    pieces = [stream.push({"mel:kaldi": track.part(range(k, min(k + 37, 4000)))}) for k in range(0, 4000, 37)]
    pieces.append(stream.finish())
    assert np.abs(np.concatenate([p.values for p in pieces]) - whole.values).max() < 1e-4
    # What is final is given at once: no more is withheld than the stated look-ahead.
    assert talker.lookahead_seconds is not None
    heard, given = Fraction(37 * 60, 100), sum(map(len, pieces[:60])) / Fraction(50)
    assert heard - given <= talker.lookahead_seconds + Fraction(6, 100)


def test_a_recurrent_stream_is_near_the_whole() -> None:
    talker, track = _talker(SHAPES["gru"]), Track(_speech(3000), MEL)
    stream = talker.stream()
    pieces = [stream.push({"mel:kaldi": track.part(range(k, k + 100))}) for k in range(0, 3000, 100)]
    pieces.append(stream.finish())
    whole = talker.weights({"mel:kaldi": track}).values
    assert np.abs(np.concatenate([p.values for p in pieces]) - whole).max() < 0.02 * np.abs(whole).max()


def test_a_stream_keeps_no_more_than_its_windows() -> None:
    talker = _talker(SHAPES["convolution"])
    stream, sizes = talker.stream(), []
    for k in range(40):
        piece = Track(_speech(1000, k), MEL.part(range(1000 * k, 1000 * k)))
        stream.push({"mel:kaldi": piece})
        ear = stream._listener._ears[0]
        sizes.append(
            len(stream._heard) + len(ear._rows) + len(ear._leveler._seen) + len(ear._leveler._waiting)
        )
    assert max(sizes[20:]) == max(sizes[5:20])


@pytest.mark.parametrize("rate", ["21.5", "25", "30000/1001", "50", "variable"])
def test_one_motion_at_every_frame_rate(rate: str) -> None:
    """Frames of every rate lie on the same curve: what differs is only where between two cells it is read."""
    talker = _talker(SHAPES["convolution"])
    weights = talker.weights({"mel:kaldi": Track(_speech(600), MEL)})
    if rate == "variable":
        steps = np.random.default_rng(0).integers(20, 60, 120)
        cells: Grid | Ticks = Ticks(np.cumsum(steps), Fraction(1, 1000), 40)
    else:
        cells = Grid(Fraction(rate))
    found = weights.on(cells)
    curve = np.stack(
        [np.interp(found.centers, weights.centers, column) for column in weights.values.T], axis=1
    )
    assert np.abs(found.values - curve)[3:-3].max() < 1e-5
    assert found.valid[3:-3].all()


# ---------------------------------------------------------------- faces


def test_planted_shapes_are_found() -> None:
    random = np.random.default_rng(0)
    shapes = random.normal(size=(6, 90))
    planted = np.where(random.random((50, 6)) < 0.5, 0, random.uniform(0, 1, (50, 6)))
    assert np.abs(non_negative(planted @ shapes, shapes, most=1) - planted).max() < 1e-2


def test_a_resting_face_is_found_among_talking_ones_and_from_one_frame() -> None:
    basis = FaceBasis.planted()
    neutral, components = basis.neutral.copy(), basis.components * 0.2
    neutral[list(INNER_LOWER)] = neutral[[82, 13, 312]] + [0, 0.01, 0]
    components[0, list(INNER_LOWER), 1] = components[0, [82, 13, 312], 1] + 0.1
    basis = FaceBasis(neutral, components, basis.point_weights)
    random = np.random.default_rng(1)
    weights = np.concatenate(
        [np.abs(random.normal(1.5, 0.5, (80, 1))), random.normal(size=(80, 3)) * 0.1], axis=1
    )
    weights[::3] = 0
    own = neutral + random.normal(0, 0.05, neutral.shape) * [1, 0, 1]
    talking = basis.points(weights, own)
    talking[5] += 3  # seen wrongly
    assert np.abs(resting_face(talking) - own).max() < 0.02
    opened = basis.points([2.0, 0, 0, 0], own)
    assert opening_of(opened) > 0.15
    assert abs(opening_of(resting_face(opened, basis=basis)) - opening_of(neutral)) < 0.05
    with pytest.raises(InputError, match="no face was seen"):
        resting_face(talking, np.zeros(80, bool))


# ---------------------------------------------------------------- the file


def test_a_talker_survives_its_file(tmp_path: Path) -> None:
    shape = SHAPES["convolution"]
    talker = _talker(
        shape, emphasis=Emphasis(1.1, 0.5), speakers={"s1": np.ones(16, np.float32)}, facts={"clips": 3}
    )
    save_talker(talker, tmp_path / "model.npz")
    again = load_talker(tmp_path)
    track = {"mel:kaldi": Track(_speech(200), MEL)}
    assert np.array_equal(again.weights(track).values, talker.weights(track).values)
    assert not np.allclose(again.weights(track, "s1").values, again.weights(track).values)
    assert (again.facts, again.emphasis, again.shape) == (talker.facts, talker.emphasis, talker.shape)
    assert np.array_equal(again.basis.shapes["jawOpen"], talker.basis.shapes["jawOpen"])
    with pytest.raises(OptionError, match="no speaker 's2'; it knows: s1"):
        again.stream("s2")
    (tmp_path / "broken.npz").write_bytes((tmp_path / "model.npz").read_bytes()[:5000])
    with pytest.raises(FormatError, match="broken.npz"):
        load_talker(tmp_path / "broken.npz")
