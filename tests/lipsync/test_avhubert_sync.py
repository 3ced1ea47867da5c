"""The estimator ``avhubert``: planted offsets at several frame rates, and what it says where it cannot compare.

Its geometry (clocks, signs, windows, faces that come and go) is tested with an encoder that has nothing to learn: it
hears how bright the noise is, and sees how bright the mouth.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from genlock.aligners.curves import find_peak, pool
from genlock.core.errors import MissingModel, OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.lipsync.estimators.avhubert import AVHuBERTSync
from genlock.lipsync.estimators.base import make_estimators, mouths_of
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.editing import cut, with_offset, with_sound_of
from genlock.models.avhubert.encoder import AVHuBERT, AVOutput
from genlock.models.avhubert.recognizer import AVRecognizer, Parts, save_avsr
from genlock.models.avhubert.shape import AVHuBERTShape

SHAPE = AVHuBERTShape(
    layers=1, width=16, ffn=16, heads=2, final=8, clusters=0, position_kernel=8, position_groups=2, stem=4,
    trunk=(4, 4, 4, 8), crop=32,
)  # fmt: skip

#: How much more there is in the upper bands, normed, where -1, -0.75 ... 1 are planted.
TILTS = (0.887, 0.916, 0.975, 1.076, 1.211, 1.357, 1.492, 1.599, 1.672)


class Plain(AVHuBERT):
    """Hears the tilt of the spectrum, which is planted as the pitch, and sees the brightness; nothing is learnt."""

    def fronts(
        self, sound: torch.Tensor | None, picture: torch.Tensor | None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        def spread(level: torch.Tensor) -> torch.Tensor:
            places = torch.linspace(-1, 1, 16)
            return torch.exp(-((level[..., None] - places) ** 2) / 0.05)

        heard = None
        if sound is not None:
            bands = sound.view(1, 4, 26, -1).mean(1)
            high, low = bands[:, 13:].mean(1), bands[:, :13].mean(1)
            tilt = (high - low).numpy()
            heard = spread(torch.from_numpy(np.interp(tilt, TILTS, np.linspace(-1, 1, 9))).float())
        seen = None if picture is None else spread(picture.mean((1, 3, 4)) / 2)
        return heard, seen

    def encode(
        self, heard: torch.Tensor | None, seen: torch.Tensor | None, *_: object, **__: object
    ) -> AVOutput:  # type: ignore[override]
        one = heard if heard is not None else seen
        assert one is not None
        return AVOutput(one, (), None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    save_avsr(AVRecognizer(Parts(SHAPE, alignment=True), facts={"clip_seconds": 3}), place)
    return place


@pytest.fixture
def plain(folder: Path) -> AVHuBERTSync:
    estimator = AVHuBERTSync(str(folder))
    estimator.model.encoder = Plain(SHAPE).eval()
    return estimator


def course(seconds: float) -> np.ndarray:
    """What is planted at each millisecond, -1...1, changing every 80 to 240 ms."""
    chance = np.random.default_rng(7)
    levels: list[float] = []
    while len(levels) < seconds * 1000:
        levels += [chance.uniform(-1, 1)] * int(chance.integers(80, 240))
    return np.array(levels[: int(seconds * 1000)])


def evidence(offset: float, rate: object, seconds: float = 12.0, unseen: int = 0) -> Evidence:
    """A face whose brightness is what the noise's high bands say ``offset`` seconds before."""
    planted, chance = course(seconds + 4), np.random.default_rng(1)
    at = np.clip(
        ((np.arange(int(seconds * 16000)) / 16000 + 2 + offset) * 1000).astype(int), 0, len(planted) - 1
    )
    noise = chance.standard_normal(len(at))
    high = np.diff(noise, prepend=0.0)
    low = np.convolve(noise, np.ones(8) / 8, "same")
    gain = np.exp(planted[at] - 1.2)
    wave = (0.1 * (gain * high + low / gain)).astype(np.float32)
    grid = Grid(rate)  # type: ignore[arg-type]
    count = int(seconds * float(grid.rate))
    bright = planted[((grid.centers(count) + 2) * 1000).astype(int)]
    values = np.clip((bright * 0.33 + 0.421) * 255, 0, 255).astype(np.uint8)
    valid = np.ones(count, bool)
    valid[:unseen] = False
    crops = Track(np.broadcast_to(values[:, None, None], (count, 35, 35)).copy(), grid, valid)
    flat = Track(np.zeros(count, np.float32), grid, valid)
    lips = Track(np.zeros((count, 40, 2), np.float32), grid, valid)
    face = FaceEvidence(0, lips, flat, flat, flat, 60.0, crops)
    sound = Track(wave, Grid(16000))
    hops = Grid(100)
    end = Fraction(seconds)
    return Evidence(
        sound.clock, Fraction(0), end, grid, Track(np.zeros((1200, 40), np.float32), hops),
        Track(np.full(1200, -20.0, np.float32), hops), (face,), None, None, Spans([]), Spans([]), (), sound,
    )  # fmt: skip


@pytest.mark.parametrize("rate", [25, "30000/1001", 12, 60])
@pytest.mark.parametrize("offset", [0.0, 0.25, -0.61])
def test_a_planted_offset_is_found_at_any_frame_rate(
    plain: AVHuBERTSync, rate: object, offset: float
) -> None:
    windows = plain.windows(evidence(offset, rate))
    assert [float(window.end) for window in windows] == [6.0, 12.0]
    curves = [cue.curve for window in windows for cue in window.cues]
    peak = find_peak(pool([curve for curve in curves if curve is not None]))
    assert peak is not None
    assert not peak.at_edge
    # The sound of a frame is centred 7.5 ms late, a frame of 12 a second lasts 83 ms.
    assert peak.lag_seconds == pytest.approx(offset, abs=0.045 if rate == 12 else 0.02)


def test_a_face_that_is_away_counts_where_it_is_seen(plain: AVHuBERTSync) -> None:
    first, second = plain.windows(evidence(0.2, 25, unseen=150))
    assert first.cues[0].curve is None
    assert "no face is seen" in first.cues[0].reason
    peak = find_peak(second.cues[0].curve)  # type: ignore[arg-type]
    assert peak is not None
    assert peak.lag_seconds == pytest.approx(0.2, abs=0.02)


def test_evidence_that_is_moved_and_cut_moves_and_cuts_its_sound_too(plain: AVHuBERTSync) -> None:
    whole = evidence(0.2, 25)
    moved = cut(with_offset(whole, "0.16"), 2, 10)
    assert moved.waveform is not None
    assert moved.waveform.start == 2
    curves = [cue.curve for window in plain.windows(moved) for cue in window.cues]
    peak = find_peak(pool([curve for curve in curves if curve is not None]))
    assert peak is not None
    assert peak.lag_seconds == pytest.approx(0.36, abs=0.02)
    other = with_sound_of(whole, with_offset(whole, "0.4"))
    assert other.waveform is not None
    assert other.waveform.start == Fraction(-2, 5)


def test_a_real_encoder_runs_and_is_believed_little(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (estimator,) = make_estimators(f"avhubert:{folder}")
    assert estimator.mouth_side == 96
    assert mouths_of(estimator) == "mouth/96"
    # Public weights bring the crops that they were trained on.
    monkeypatch.setitem(estimator.model.facts, "mouth", "mouth:avhubert/96")  # type: ignore[attr-defined]
    assert mouths_of(estimator) == "mouth:avhubert/96"
    assert estimator.trust.most_probability == 0.5
    assert "not calibrated" in estimator.trust.remark
    (window,) = estimator.windows(evidence(0.0, 25, seconds=3.0))
    assert window.cues[0].curve is not None
    assert np.isfinite(window.cues[0].curve.values).any()


def test_a_piece_without_sound_picture_or_face(plain: AVHuBERTSync) -> None:
    whole = evidence(0.0, 25, seconds=3.0)
    for change, said in (
        ({"mel": None, "waveform": None}, "no sound"),
        ({"frames": None}, "no picture"),
        ({"faces": ()}, "no face"),
        ({"waveform": None}, "not kept"),
    ):
        (window,) = plain.windows(Evidence(**{**whole.__dict__, **change}))
        assert said in window.cues[0].reason
        assert window.cues[0].curve is None


def test_what_cannot_be_meant(folder: Path) -> None:
    with pytest.raises(OptionError, match="takes no model"):
        make_estimators("motion:x")
    with pytest.raises(OptionError, match=r"0\.1\.\.\.10"):
        make_estimators(f"avhubert:{folder}", 0)
    with pytest.raises(MissingModel):
        make_estimators("avhubert:no/such")
