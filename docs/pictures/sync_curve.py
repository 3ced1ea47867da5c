"""What `genlock sync --plot` draws of a test signal whose sound is 118 ms early."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_video import SyncOptions, sync_video

target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures")
target.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory() as folder:
    clip = Path(folder) / "early.mp4"
    make_signal(clip, SignalOptions(duration_seconds=10, offset_seconds="0.118", seed=1))
    sync_video(clip, SyncOptions(plot=str(target / "sync_curve.svg")))
