"""Features of flow: N frames give N rows; the network here tells which flows it was shown."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.data.cutting import ClipLayout
from genlock.data.output_makers import Made, PictureFeatureMaker
from genlock.data.output_spec import Wanted
from genlock.extractors.picture.flow import FLOW_METHODS, Flow
from genlock.extractors.picture.rgb import FlowFeatures, FlowNet
from genlock.media import VideoCell, VideoForm

RATE = Fraction(25)
FORM = VideoForm((64, 48), "gray", RATE)


def frames(count: int) -> list[np.ndarray]:
    """A textured square that moves faster and faster to the right: each flow has its own mean."""
    chance = np.random.default_rng(0)
    texture = chance.integers(0, 255, (20, 20), np.uint8)
    found = []
    for k in range(count):
        frame = np.full((48, 64), 90, np.uint8)
        left = 2 + k * (k + 1) // 4
        frame[14:34, left : left + 20] = texture[:, : max(0, 64 - left)]
        found.append(frame)
    return found


def told(feature: Flow, clips: list[list[np.ndarray]]) -> list[Made]:
    found: list[Made] = []
    maker = PictureFeatureMaker(feature, "flow", lambda clip, made: found.append(made))
    length = Fraction(len(clips[0]), RATE)
    layout = ClipLayout(Fraction(0), length, length * len(clips))
    number = 0
    for clip, pictures in zip(layout.clips(), clips, strict=True):
        maker.begin(clip)
        for pixels in pictures:
            start = Fraction(number, RATE)
            maker.frame(VideoCell(pixels=pixels, start=start, end=start + 1 / RATE, clock="c", index=number))
            number += 1
        maker.end(clip)
    return found


def means(stacks: np.ndarray) -> np.ndarray:
    """The mean of each plane: what the network was shown."""
    return stacks.mean(axis=(1, 2)).astype(np.float32)


def values(made: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray, object]:
    from genlock.core.track_file import load_track

    path = tmp_path_factory.mktemp("flow") / "a.npz"
    made.save(path)
    track = load_track(path)
    return track.values, track.valid, track.grid


@pytest.mark.parametrize("stack", [1, 3, 5])
def test_row_k_is_of_the_flows_around_k(tmp_path_factory: pytest.TempPathFactory, stack: int) -> None:
    pictures = frames(8)
    clips = [pictures[:4], pictures[4:]]
    method = FLOW_METHODS["dis"]
    flows = told(Flow(method, FORM), clips)
    features = FlowFeatures(FlowNet(stack, means), method, FORM)
    features.stacks = 3
    made = told(features, clips)
    for number in range(2):
        packed, valid, grid = values(flows[number], tmp_path_factory)
        rows, own_valid, own_grid = values(made[number], tmp_path_factory)
        assert rows.shape == (4, 2 * stack)  # four frames, four rows
        assert own_grid == grid
        assert (
            own_valid.tolist() == valid.tolist() == ([False, True, True, True] if number == 0 else [True] * 4)
        )
        low = 1 if number == 0 else 0
        for k in range(low, 4):
            shown = [min(max(k + shift, low), 3) for shift in range(-(stack // 2), stack // 2 + 1)]
            wanted = [packed[j, :, :, plane].mean() for j in shown for plane in range(2)]
            assert np.allclose(rows[k], wanted, atol=1e-3)
        assert stack > 1 or len(np.unique(rows[low:, 0])) == 4 - low  # no two flows here are alike


def test_one_frame_alone_has_no_flow() -> None:
    assert told(FlowFeatures(FlowNet(1, means), FLOW_METHODS["dis"], FORM), [frames(1)]) == []


def test_how_it_is_asked_for() -> None:
    assert Wanted.parse("flow-features@21.5").kind == "flow-features_21.5fps"
    assert Wanted.parse("flow-features:tvl1@21.5").kind == "flow-features-tvl1_21.5fps"
    assert Wanted.parse("flow-features:tvl1:w/bn.pth@21.5").kind == "flow-features-tvl1_21.5fps"
    for text in ("flow:horn@25", "flow-features@25/340x256"):
        with pytest.raises(OptionError, match="no preset 'horn'|takes no /"):
            Wanted.parse(text)
