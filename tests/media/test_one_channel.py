"""One side of a recorded call is heard alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from genlock.cli import main
from genlock.core.errors import OptionError
from genlock.media import read_audio
from genlock.media.read import ReadOptions


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """Two tones, one to each side."""
    t = np.arange(16000) / 16000
    sides = np.stack([0.5 * np.sin(2 * np.pi * 200 * t), 0.25 * np.sin(2 * np.pi * 700 * t)], axis=1)
    soundfile.write(tmp_path / "call.wav", sides, 16000, subtype="FLOAT")
    return tmp_path / "call.wav"


@pytest.mark.parametrize(("channel", "hertz", "peak"), [(0, 200, 0.5), (1, 700, 0.25)])
def test_a_channel_is_heard_alone(call: Path, channel: int, hertz: int, peak: float) -> None:
    waveform = read_audio(call, options=ReadOptions(audio_channel=channel)).values
    assert np.abs(waveform).max() == pytest.approx(peak, abs=0.01)
    assert np.argmax(np.abs(np.fft.rfft(waveform))) == hertz


def test_a_channel_that_is_not_there(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OptionError, match="channels are counted from 0"):
        ReadOptions(audio_channel=-1)
    assert main(["words", str(call), "--audio-channel", "2", "--language", "en"]) == 2
    assert "has 2 channels; they are counted from 0" in capsys.readouterr().err
