"""A blow is as loud as its impulse says, whatever was written; nothing else of the sound changes."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.foley.levelling import Levelling
from genlock.models.foley.loudness import LoudnessLaw, fit_loudness, law_in, level_of_bands

CELL = 240


def planted() -> tuple[np.ndarray, np.ndarray]:
    """Bands and samples of two blows, at 0.1 and at 0.5 s, equally loud."""
    random = np.random.default_rng(0)
    samples = (0.01 * random.standard_normal(100 * CELL)).astype(np.float32)
    bands = np.full((100, 80), -6.0, np.float32)
    for first in (2500, 12500):
        fall = np.exp(-np.arange(6000) / 1500)
        samples[first : first + 6000] += (fall * np.sin(np.arange(6000) / 4)).astype(np.float32)
        bands[first // CELL : first // CELL + 20] = (2 - 0.3 * np.arange(20))[:, None]
    return bands, samples


def levelled(pieces: int) -> np.ndarray:
    bands, samples = planted()
    own = level_of_bands(bands[10:14])
    levelling = Levelling([2500, 12500], [own - 2 * np.log(2), own + np.log(2)], CELL)
    out = []
    for part, some in zip(np.array_split(bands, pieces), np.array_split(samples, pieces), strict=True):
        out.append(levelling.push(part, some))
    return np.concatenate([*out, levelling.finish()])


def test_blows_are_as_loud_as_wanted_and_keep_their_form() -> None:
    _, samples = planted()
    found = levelled(1)
    assert len(found) == len(samples)
    for first, gain in ((2500, 0.5), (12500, 2**0.5)):
        np.testing.assert_allclose(
            found[first : first + 6000], gain * samples[first : first + 6000], rtol=1e-4
        )
    np.testing.assert_array_equal(found[:2000], samples[:2000])  # what was before it is as it was


@pytest.mark.parametrize("pieces", [2, 7, 50])
def test_pieces_do_not_matter(pieces: int) -> None:
    np.testing.assert_allclose(levelled(pieces), levelled(1), rtol=1e-5, atol=1e-7)


def test_a_law_is_found_again_and_an_unknown_material_is_as_any() -> None:
    random = np.random.default_rng(1)
    impulses, names = random.normal(-1, 0.4, 60), ["wood", "glass"] * 30
    base = {"wood": 5.0, "glass": 7.0}
    levels = [3.5 * x + base[name] for x, name in zip(impulses, names, strict=True)]
    law = fit_loudness(levels, impulses, names)
    assert law is not None
    assert law.slope == pytest.approx(3.5)
    assert law.level(-1, {"glass": 1.0}) == pytest.approx(3.5)
    assert law.level(-1, {"stone": 1.0}) == pytest.approx(2.5)
    assert law_in({"loudness": law.to_dict()}) == LoudnessLaw(law.slope, law.base)
    assert law_in({}) is None
    assert fit_loudness(levels[:5], impulses[:5], names[:5]) is None
