"""The best path of a CTC chain: against every path there is, against the plain trellis, and at its edges."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.aligners.ctc import viterbi as ctc_viterbi
from genlock.aligners.ctc.chain import STAR, CtcChain, Scores
from genlock.aligners.ctc.emissions import EmissionBlocks, as_emissions
from genlock.aligners.ctc.planted import place_tokens, planted_emissions
from genlock.aligners.ctc.reference import best_states
from genlock.aligners.ctc.viterbi import best_path
from genlock.core.errors import InputError, OptionError


def random_emissions(random: np.random.Generator, frames: int, symbols: int, kind: str) -> np.ndarray:
    if kind == "ties":  # eighths add up without rounding, so equal sums are equal
        return (-random.integers(0, 6, (frames, symbols)) / 8).astype(np.float32)
    if kind == "impossible":
        return np.where(
            random.random((frames, symbols)) < 0.3, -np.inf, -random.random((frames, symbols))
        ).astype(np.float32)
    return np.log(random.dirichlet(np.full(symbols, 0.4), frames) + 1e-6).clip(max=0).astype(np.float32)


# ---------------------------------------------------------------- every labelling there is


def collapse(labels: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(labels) if label != 0)


def as_states(labels: tuple[int, ...]) -> list[int]:
    """States of a labelling: 2 i while waiting for token i, 2 i + 1 while on it."""
    states, token, before = [], -1, 0
    for label in labels:
        if label != 0 and label != before:
            token += 1
        states.append(2 * token + 1 if label != 0 else 2 * (token + 1))
        before = label
    return states


@pytest.fixture(scope="module")
def labellings() -> dict[tuple[int, int], dict[tuple[int, ...], np.ndarray]]:
    """For (frames, symbols): every text that fits, with the states of every labelling that spells it, [n, T,
    2]."""
    found: dict[tuple[int, int], dict[tuple[int, ...], np.ndarray]] = {}
    for frames, symbols in [(1, 2), (1, 3), (2, 3), (3, 3), (4, 4), (5, 3), (6, 3), (7, 2)]:
        by_text: dict[tuple[int, ...], list[tuple[tuple[int, ...], list[int]]]] = {}
        for labels in itertools.product(range(symbols), repeat=frames):
            by_text.setdefault(collapse(labels), []).append((labels, as_states(labels)))
        found[frames, symbols] = {text: np.swapaxes(np.array(ways), 1, 2) for text, ways in by_text.items()}
    return found


@pytest.mark.parametrize("kind", ["plain", "ties", "impossible"])
def test_equals_the_best_of_all_labellings(labellings, kind):
    random = np.random.default_rng(1)
    checked = 0
    for (frames, symbols), texts in labellings.items():
        for text, ways in texts.items():
            labels, states = ways[..., 0], ways[..., 1]
            for _ in range(20):
                emissions = random_emissions(random, frames, symbols, kind)
                each = emissions.astype(np.float64)[np.arange(frames), labels]
                sums = np.zeros(len(labels))
                for t in range(frames):
                    sums += each[:, t]
                path = best_path(emissions, CtcChain(text, symbols))
                assert path.score == sums.max()
                if sums.max() > -np.inf:
                    best = states[sums == sums.max()]
                    # Of equals, the one that is highest in the last frame, then in the one before, ...
                    assert path.states.tolist() == max(best.tolist(), key=lambda s: s[::-1])
                else:
                    assert not path.possible
                    assert path.states.size == 0
                checked += 1
    assert checked > 3000


# ---------------------------------------------------------------- every path of a chain with gaps, stars and
# holes


def all_paths(chain: CtcChain, table: np.ndarray) -> Iterator[tuple[float, list[int]]]:
    """Every path by the definition, as (score, states): walked forward, state by state."""
    columns, last = chain.state_columns(), chain.states - 1
    can_skip = {2 * i + 1 for i in np.nonzero(chain.can_skip)[0]}

    def leaps(state: int, score: float) -> Iterator[tuple[int, float]]:
        yield state, score
        if chain.hole_costs and state % 2 == 0 and state // 2 in chain.gaps:
            k = chain.gaps.index(state // 2) + 1
            if k < len(chain.gaps):
                yield from leaps(2 * chain.gaps[k], score - chain.hole_costs[k])

    def walk(t: int, state: int, score: float, states: list[int]) -> Iterator[tuple[float, list[int]]]:
        if t == len(table):
            if state >= last - 1:
                yield score, states
            return
        nexts = [state, state + 1] + [state + 2] * (state + 2 in can_skip)
        for entered in nexts if t else [0, 1]:
            if entered <= last:
                reached = score + table[t, columns[entered]]
                for landed, left in leaps(entered, reached):
                    yield from walk(t + 1, landed, left, [*states, landed])

    yield from walk(0, 0, 0.0, [])


def random_chain(random: np.random.Generator, symbols: int, length: int) -> CtcChain:
    tokens = np.where(random.random(length) < 0.15, STAR, random.integers(1, symbols, length))
    gaps = np.nonzero(random.random(length + 1) < 0.6)[0]
    holes = random.integers(0, 12, len(gaps)) / 8 if random.random() < 0.6 else ()
    separator = int(random.integers(1, symbols)) if random.random() < 0.5 else None
    gap_cost = float(random.choice([0.25, 1.0, np.inf]))
    return CtcChain(tokens, symbols, 0, gaps, separator, gap_cost, float(random.choice([0.25, 1.0])), holes)


@pytest.mark.parametrize("kind", ["plain", "ties", "impossible"])
def test_equals_the_best_of_all_paths_with_gaps_and_holes(kind):
    random = np.random.default_rng(2)
    for _ in range(700):
        symbols = int(random.integers(2, 5))
        frames, length = int(random.integers(1, 6)), int(random.integers(0, 5))
        chain, emissions = (
            random_chain(random, symbols, length),
            random_emissions(random, frames, symbols, kind),
        )
        ways = [
            (score, states)
            for score, states in all_paths(chain, Scores(chain, as_emissions(emissions)).table(0, frames))
            if score > -np.inf
        ]
        path = best_path(emissions, chain)
        if not ways:
            assert not path.possible
            continue
        best = max(score for score, _ in ways)
        assert path.score == best
        assert path.states.tolist() == max((s for score, s in ways if score == best), key=lambda s: s[::-1])


# ---------------------------------------------------------------- the plain trellis


def planted(seed: int, frames: int, length: int, symbols: int, mistaken: float = 0.1):
    random = np.random.default_rng(seed)
    tokens = random.integers(1, symbols, length)
    places = place_tokens(tokens, frames, random)
    return tokens, places, planted_emissions(tokens, places, frames, symbols, random, mistaken=mistaken)


@pytest.mark.parametrize("method", ["exact", "auto"])
@pytest.mark.parametrize("what", ["plain", "noise", "gaps", "holes", "ties"])
def test_equals_the_plain_trellis_on_large_ones(what, method):
    frames, length, symbols = (3000, 600, 30) if what != "holes" else (2500, 900, 12)
    tokens, _, emissions = planted(3, frames, length, symbols)
    chain = CtcChain(tokens, symbols)
    if what == "noise":
        emissions = random_emissions(np.random.default_rng(4), frames, symbols, "plain")
    if what == "ties":
        emissions = random_emissions(np.random.default_rng(4), frames, symbols, "ties")
    if what in ("gaps", "holes"):
        gaps = [*range(0, length, 5), length]
        text = np.concatenate([tokens[:200], tokens[260:420], tokens[400:]])[
            : length - 40
        ]  # a hole and a doubled part
        gaps = [*range(0, len(text), 5), len(text)]
        costs = np.diff(gaps, prepend=0) * 2.0 if what == "holes" else ()
        chain = CtcChain(text, symbols, gaps=gaps, gap_cost=1.5, hole_costs=costs)
    states, score = best_states(emissions, chain)
    path = best_path(emissions, chain, method=method, band=514)
    assert path.proven
    assert path.score == score
    np.testing.assert_array_equal(path.states, states)
    assert path.frame_scores.sum(dtype=np.float64) == pytest.approx(
        score, abs=200 * max(map(float, chain.hole_costs or [0])) + 1e-2
    )


def test_several_tiles_and_stretches_equal_the_plain_trellis():
    # More pairs than a tile of the kernel holds, and more frames than lie between two copies.
    tokens, _, emissions = planted(5, 4000, 1500, 8)
    states, score = best_states(emissions, CtcChain(tokens, 8))
    path = best_path(emissions, CtcChain(tokens, 8), method="exact")
    assert (path.score, path.states.tolist()) == (score, states.tolist())


# ---------------------------------------------------------------- the band


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(ctc_viterbi, "_BLOCK", 8)
    monkeypatch.setattr(ctc_viterbi, "LEAST_BAND", 18)


@pytest.mark.usefixtures("small_blocks")
def test_a_proven_band_holds_the_best_path():
    proven = unproven = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        frames, symbols = int(random.integers(200, 400)), int(random.integers(3, 12))
        tokens = random.integers(1, symbols, int(random.integers(60, 90)))
        places = place_tokens(tokens, frames, random, unevenness=float(random.choice([0.5, 1, 2])))
        emissions = planted_emissions(tokens, places, frames, symbols, random, peak=6.0, mistaken=0.2)
        text = np.delete(tokens, np.arange(20, 20 + random.integers(0, 30))) if seed % 3 else tokens
        gaps = [*range(0, len(text), 5), len(text)]
        chain = {
            0: CtcChain(text, symbols),
            1: CtcChain(text, symbols, gaps=gaps, gap_cost=1.0),
            2: CtcChain(text, symbols, gaps=gaps, gap_cost=1.0, hole_costs=np.diff(gaps, prepend=0) * 3.0),
        }[seed % 3]
        states, score = best_states(emissions, chain)
        path = best_path(emissions, chain, method="band", band=18)
        same = path.score == score and path.states.tolist() == states.tolist()
        assert same or not path.proven, f"seed {seed}: a wrong path was proven"
        proven, unproven = proven + path.proven, unproven + (not path.proven)
        widened = best_path(emissions, chain, band=18)
        assert widened.proven
        assert (widened.score, widened.states.tolist()) == (score, states.tolist())
    # The test says something only if both happen.
    assert min(proven, unproven) > 8


def decoy(kind: str) -> tuple[np.ndarray, list[int]]:
    """A talk in which the best path runs far behind the best score so far, or far ahead of it."""
    random = np.random.default_rng(20)
    first, second, rest = (random.permutation(np.arange(1, 61)).tolist() for _ in range(3))
    if kind == "behind":
        # The beginning is said twice: quickly, which is tempting, and slowly, which fits better.
        parts = [(first, 1), (first, 3), (rest[:5], 1)]
        text = first + rest[:5]
    else:
        # The second part is said slowly at once; later comes everything in order, but quickly.
        parts = [(second, 3), (first, 1), (second, 1), (rest, 1)]
        text = first + second + rest
    said = [token for part, _ in parts for token in part]
    widths = [width for part, width in parts for _ in part]
    stops = np.cumsum(widths) + np.arange(len(widths)) + 3
    places = np.stack([stops - widths, stops], axis=1)
    emissions = planted_emissions(said, places, int(stops[-1]) + 3, 61, random, noise=0.3)
    if kind == "behind":
        # Symbols that are not said cannot be: no path runs ahead, and what can go wrong is behind the band.
        emissions[:, 1:][emissions[:, 1:] < -5] = -np.inf
    return emissions, text


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kind", ["behind", "ahead"])
def test_a_band_that_follows_a_decoy_is_not_proven(kind):
    emissions, text = decoy(kind)
    chain = CtcChain(text, 61)
    states, score = best_states(emissions, chain)
    lured = best_path(emissions, chain, method="band", band=18)
    assert lured.score < score - 100
    assert not lured.proven
    path = best_path(emissions, chain, band=18)
    assert (path.proven, path.score, path.states.tolist()) == (True, score, states.tolist())


@pytest.mark.usefixtures("small_blocks")
def test_a_leap_out_of_the_band_is_a_way_out():
    # The best path leaps over the top of the band in the first frame; there is no other way out of it.
    blank, filler, poor, good = range(4)
    tokens = [filler] * 25
    tokens[16], tokens[24] = poor, good
    emissions = np.full((24, 4), -np.inf, np.float32)
    emissions[:, blank] = 0
    emissions[1] = -np.inf, -np.inf, -5, 0
    chain = CtcChain(tokens, 4, gaps=range(26), hole_costs=[0.125] * 26)
    states, score = best_states(emissions, chain)
    lured = best_path(emissions, chain, method="band", band=18)
    assert (lured.score, score) == (-24 * 0.125 - 5, -24 * 0.125)
    assert not lured.proven
    path = best_path(emissions, chain, band=18)
    assert (path.proven, path.states.tolist()) == (True, states.tolist())


@pytest.mark.usefixtures("small_blocks")
def test_no_path_outside_a_band_exceeds_its_bound():
    checked = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        frames, symbols, length = (
            int(random.integers(20, 60)),
            int(random.integers(3, 9)),
            int(random.integers(19, 40)),
        )
        tokens = random.integers(1, symbols, length)
        # Words that are not said, and emissions in which most things cannot be: few ways out of a band.
        gaps = [*range(0, length, 4), length]
        costs = np.diff(gaps, prepend=0) * float(random.choice([0.2, 1.0]))
        chain = CtcChain(tokens, symbols, gaps=gaps, gap_cost=1.0, hole_costs=costs if seed % 3 else ())
        emissions = random_emissions(random, frames, symbols, "plain")
        emissions[:, 1:][random.random((frames, symbols - 1)) < 0.7] = -np.inf
        states, score = best_states(emissions, chain)
        lattice = ctc_viterbi._Lattice.of(Scores(chain, as_emissions(emissions)))
        forward = ctc_viterbi._run(lattice, ctc_viterbi._in_band(lattice, 18))
        if (
            not states.size or forward.blocks[0].low > 0
        ):  # a band without the start holds no path, and proves none
            continue
        block = np.arange(frames) // ctc_viterbi._BLOCK
        pairs = states // 2
        lows, highs = (
            np.array([getattr(b, name) for b in forward.blocks])[block] for name in ("low", "high")
        )
        if np.all((lows <= pairs) & (pairs <= highs)):
            continue
        assert ctc_viterbi._best_outside(lattice, forward) >= score - 1e-9, f"seed {seed}"
        checked += 1
    assert checked > 30


def test_the_band_is_widened_when_the_best_path_leaves_it():
    # 600 tokens in the first tenth of the time, then silence, then the rest: no narrow band follows the
    # scores there.
    random = np.random.default_rng(7)
    tokens = random.integers(1, 30, 5000)
    places = np.concatenate(
        [place_tokens(tokens[:2500], 3000, random), place_tokens(tokens[2500:], 3200, random, start=8000)]
    )
    emissions = planted_emissions(tokens, places, 11200, 30, random)
    path = best_path(emissions, CtcChain(tokens, 30), band=514)
    assert path.proven
    exact = best_path(emissions, CtcChain(tokens, 30), method="exact")
    assert (path.score, path.states.tolist()) == (exact.score, exact.states.tolist())


def test_a_clean_long_text_is_proven_in_the_first_band():
    tokens, places, emissions = planted(8, 20000, 6000, 30, mistaken=0.05)
    path = best_path(emissions, CtcChain(tokens, 30))
    assert (path.method, path.proven, path.band) == ("band", True, 1024)
    assert np.mean(path.token_frames()[:, 0] == places[:, 0]) > 0.99


# ---------------------------------------------------------------- where emissions come from, memory


def test_blocks_a_memory_map_and_an_array_agree(tmp_path):
    tokens, _, emissions = planted(9, 1500, 300, 20)
    stored = np.lib.format.open_memmap(tmp_path / "emissions.npy", "w+", np.float32, emissions.shape)
    stored[:] = emissions
    asked: list[int] = []

    def rows(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return emissions[start:stop]

    chain = CtcChain(tokens, 20)
    paths = [best_path(e, chain, method="exact") for e in (emissions, stored, EmissionBlocks(1500, 20, rows))]
    assert len({p.score for p in paths}) == 1
    assert paths[0].states.tolist() == paths[1].states.tolist() == paths[2].states.tolist()
    assert max(asked) <= 256


def test_memory_is_far_below_the_trellis():
    frames, length = 20000, 6000
    tokens, _, emissions = planted(10, frames, length, 30)
    chain = CtcChain(tokens, 30)
    best_path(emissions[:2000], CtcChain(tokens[:100], 30))
    tracemalloc.start()
    try:
        best_path(emissions, chain, method="exact")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    trellis = frames * chain.states  # at a byte a state
    assert peak < trellis / 20


# ---------------------------------------------------------------- edges


def test_empty_text_is_all_blank():
    path = best_path(np.log(np.full((3, 2), 0.5, np.float32)), CtcChain((), 2))
    assert (path.states.tolist(), path.score) == ([0, 0, 0], pytest.approx(3 * np.log(0.5)))


def test_no_frames():
    none = np.zeros((0, 3), np.float32)
    assert best_path(none, CtcChain((), 3)).score == 0
    assert not best_path(none, CtcChain((1,), 3)).possible


@pytest.mark.parametrize(("tokens", "frames"), [((1,), 1), ((1, 2), 2), ((1, 1), 3), ((1, 1, 1, 2), 6)])
def test_a_text_that_just_fits_fits_and_with_one_frame_less_does_not(tokens, frames):
    chain = CtcChain(tokens, 3)
    assert chain.least_frames == frames
    emissions = np.full((frames, 3), np.log(1 / 3), np.float32)
    assert best_path(emissions, chain).possible
    short = best_path(emissions[:-1], chain)
    assert (short.possible, short.proven, short.score) == (False, True, -np.inf)


def test_a_symbol_that_cannot_be_makes_the_text_impossible():
    emissions = np.full((5, 3), np.log(0.5), np.float32)
    emissions[:, 2] = -np.inf
    assert best_path(emissions, CtcChain((1,), 3)).possible
    assert not best_path(emissions, CtcChain((1, 2), 3)).possible


@pytest.mark.parametrize(
    ("value", "says"), [(np.nan, "frame 300 .* NaN"), (np.inf, "never above zero"), (3.0, "log_softmax")]
)
def test_what_is_no_log_probability_is_refused_with_its_frame(value, says):
    _, _, emissions = planted(11, 400, 20, 5)
    emissions[300, 2] = value
    with pytest.raises(InputError, match=says):
        best_path(emissions, CtcChain((1, 2), 5))


def test_bad_shapes_and_symbols_are_refused():
    good = np.full((4, 3), np.log(1 / 3), np.float32)
    with pytest.raises(InputError, match="one item of a batch"):
        best_path(good[None], CtcChain((1,), 3))
    with pytest.raises(InputError, match="int64"):
        best_path(np.zeros((4, 3), np.int64), CtcChain((1,), 3))
    with pytest.raises(InputError, match="the same model"):
        best_path(good, CtcChain((1,), 4))
    with pytest.raises(InputError, match="outside the model's vocabulary"):
        CtcChain((1, 3), 3)
    with pytest.raises(InputError, match="is the blank"):
        CtcChain((1, 0), 3)
    with pytest.raises(InputError, match="came with shape"):
        best_path(EmissionBlocks(4, 3, lambda a, b: good[a : b - 1]), CtcChain((1,), 3))
    with pytest.raises(OptionError, match="too narrow"):
        best_path(good, CtcChain((1,), 3), band=10)
    with pytest.raises(OptionError, match="unknown"):
        best_path(good, CtcChain((1,), 3), method="quick")


@given(st.integers(0, 2**32 - 1))
def test_a_path_is_a_path(seed):
    """Whatever the emissions: it starts and ends where it may, moves as it may, and its scores add up."""
    random = np.random.default_rng(seed)
    symbols, frames, length = (int(n) for n in random.integers((2, 1, 0), (6, 40, 12)))
    chain = CtcChain(random.integers(1, symbols, length), symbols)
    emissions = random_emissions(random, frames, symbols, "plain")
    path = best_path(emissions, chain)
    assert path.possible == (chain.least_frames <= frames)
    if not path.possible:
        return
    states = path.states.astype(int)
    assert states[0] in (0, 1)
    assert states[-1] in (chain.states - 1, chain.states - 2)
    steps = np.diff(states)
    assert set(steps) <= {0, 1, 2}
    assert all(chain.can_skip[s // 2] for s in states[1:][steps == 2])
    labels = [0 if s % 2 == 0 else chain.tokens[s // 2] for s in states]
    assert collapse(tuple(labels)) == chain.tokens
    assert path.score == pytest.approx(emissions[np.arange(frames), labels].sum(dtype=np.float64))
    firsts, stops = path.token_frames().T
    assert [labels[a] for a in firsts] == list(chain.tokens)
    assert all(firsts[1:] >= stops[:-1])
