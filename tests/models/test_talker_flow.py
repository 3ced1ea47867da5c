"""A head that draws: what a mean cannot tell is drawn, by the seed, and a stream draws what the whole draws."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import FormatError, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.flow import FLOW, FLOW_UNIT, flow_inputs, flow_rows, flow_shape, follow_flow
from genlock.models.talker.inputs import Listening
from genlock.models.talker.networks import NetworkShape, array_shapes, run_inside
from genlock.models.talker.talker import Talker, load_talker, save_talker

MEL = Grid.of_windows(sample_rate=16000, hop=160, first_center=Fraction(399, 2))
DRAWS = NetworkShape(width=12, dilations=(1, 2), head="flow", flow_width=8, flow_steps=3)


def flow_talker(shape: NetworkShape = DRAWS) -> Talker:
    """A talker of random weights that draws."""
    random, listening = np.random.default_rng(0), Listening(mean={"mel:kaldi": np.full(80, -4, np.float32)})
    sizes = array_shapes(shape, listening.width, 4)
    own = array_shapes(flow_shape(shape), flow_inputs(shape, 4), 4)
    sizes |= {FLOW + name: size for name, size in own.items()}
    arrays = {name: random.normal(0, 0.15, size).astype(np.float32) for name, size in sizes.items()}
    return Talker(FaceBasis.planted(), listening, shape, arrays)


def bands(cells: int) -> Track:
    """Log bands of no particular sound."""
    return Track(np.random.default_rng(3).normal(14, 2, (cells, 80)).astype(np.float32), MEL)


@pytest.mark.parametrize("causal", [False, True])
def test_a_stream_draws_what_the_whole_draws(causal: bool) -> None:
    talker, track = flow_talker(replace(DRAWS, causal=causal, delay=5 if causal else 0)), bands(3000)
    whole, stream = talker.weights({"mel:kaldi": track}, seed=7), talker.stream(seed=7)
    pieces = [stream.push({"mel:kaldi": track.part(range(k, min(k + 37, 3000)))}) for k in range(0, 3000, 37)]
    found = np.concatenate([*(piece.values for piece in pieces), stream.finish().values])
    assert np.abs(found - whole.values).max() < 1e-4
    again, other = (talker.weights({"mel:kaldi": track}, seed=seed).values for seed in (7, 8))
    assert np.array_equal(again, whole.values)
    assert np.abs(other - whole.values).max() > 0.1


def test_a_talker_that_draws_survives_its_file_and_needs_its_flow(tmp_path: Path) -> None:
    talker = flow_talker()
    save_talker(talker, tmp_path / "model.npz")
    again = load_talker(tmp_path)
    assert again.shape == DRAWS
    track = {"mel:kaldi": bands(200)}
    assert np.array_equal(again.weights(track).values, talker.weights(track).values)
    without = {name: array for name, array in talker.arrays.items() if not name.startswith(FLOW)}
    with pytest.raises(FormatError, match="has shape None"):
        replace(talker, arrays=without)
    with pytest.raises(OptionError, match="no head 'dice'"):
        NetworkShape(head="dice")  # type: ignore[arg-type]


def test_numpy_follows_the_flow_that_torch_learns() -> None:
    torch = pytest.importorskip("torch")
    from genlock.train.talker.networks import TalkerNetwork

    network = TalkerNetwork(DRAWS, 6, 4).eval()
    torch.manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    random = np.random.default_rng(0)
    heard, noise = (random.normal(size=(40, size)).astype(np.float32) for size in (6, 4))
    arrays = network.arrays()
    inside, mean = run_inside(heard, arrays, DRAWS)
    assert network.flow is not None
    at = torch.from_numpy(noise)[None]
    with torch.no_grad():
        for step in range(DRAWS.flow_steps):
            rows = flow_rows(inside, mean, at[0].numpy(), step / DRAWS.flow_steps)
            at = at + network.flow(torch.from_numpy(rows)[None], torch.tensor([40])) / DRAWS.flow_steps
    expected = mean + FLOW_UNIT * at[0].numpy()
    assert np.allclose(follow_flow(inside, mean, noise, arrays, DRAWS), expected, atol=1e-4)


def test_what_a_mean_cannot_tell_is_drawn() -> None:
    """The same sound means a mouth that goes up or down, as often: their mean is still, each draw is not."""
    torch = pytest.importorskip("torch")
    from genlock.train.talker.losses import flow_loss
    from genlock.train.talker.networks import TalkerNetwork

    torch.manual_seed(0)
    shape = NetworkShape(width=4, head="flow", flow_width=24, flow_steps=8)
    network = TalkerNetwork(flow_shape(shape), flow_inputs(shape, 1), 1, 0.0)
    steps = torch.optim.Adam(network.parameters(), 5e-3)
    count, random = 32, np.random.default_rng(0)
    inside, mean = torch.zeros(16, count, 4), torch.zeros(16, count, 1)
    there, lengths = torch.ones(16, count, dtype=torch.bool), torch.full((16,), count)
    for _ in range(250):
        signs = torch.from_numpy(random.choice([-1.0, 1.0], (16, 1, 1)).astype(np.float32))
        loss = flow_loss(network, inside, mean, signs.expand(-1, count, -1), there, lengths)
        steps.zero_grad()
        loss.backward()
        steps.step()
    arrays = {FLOW + name: array for name, array in network.arrays().items()}
    drawn = np.stack(
        [
            follow_flow(
                np.zeros((count, 4), np.float32),
                np.zeros((count, 1), np.float32),
                np.random.default_rng(seed).standard_normal((count, 1)).astype(np.float32),
                arrays,
                shape,
            )[:, 0]
            for seed in range(40)
        ]
    )
    ways = drawn.mean(axis=1)
    assert np.abs(ways).mean() > 0.7
    assert 8 <= (ways > 0).sum() <= 32
