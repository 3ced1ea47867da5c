"""A Whisper net that one recogniser let go ended every later one: "No model replica is available in this thread".

What the model knows (its languages) was asked of the net itself, which does not answer while it is unloaded; and
since recognisers of one model share the net, words of one file ended the next file's.
"""

from __future__ import annotations

import numpy as np
import pytest

from genlock.speech.whisper.recognizer import FasterWhisper


@pytest.mark.skipif(FasterWhisper.missing() is not None, reason=str(FasterWhisper.missing()))
def test_another_recogniser_of_the_same_model_goes_on() -> None:
    FasterWhisper().release()
    later = FasterWhisper()
    assert later.multilingual in (True, False)
    later.require_language("en")
    assert later.hear(np.zeros(16000, np.float32), "en") == []
