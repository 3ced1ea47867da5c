"""Recognition and alignment with a CTC checkpoint (wav2vec 2.0, HuBERT, WavLM): one pass of the model, both
answers.

sound -> emissions of every frame (in pieces with context, in a file) -> words (greedy or beam)
                                                                     -> exact alignment of words or of a
                                                                     transcript
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from genlock.core.errors import MissingModel
from genlock.core.progress import Progress, silent
from genlock.media.sound_source import SoundSource
from genlock.speech.ctc.decode import Alphabet, BeamDecoder, DecodedWord, GreedyDecoder
from genlock.speech.ctc.emissions import EmissionFile, listen
from genlock.speech.ctc.laid import LaidWords
from genlock.speech.ctc.options import CtcModelOptions, WritesPhones
from genlock.speech.heard import Heard
from genlock.speech.words import Word

if TYPE_CHECKING:
    from genlock.models.speech.encoder import SpeechEncoder

__all__ = ["CtcListening", "HfCtc"]


class HfCtc:
    """A loaded CTC checkpoint that recognises and aligns; a :class:`~genlock.speech.recognize.SpeechModel`, registered
    as the recogniser ``hf-ctc`` and the aligner ``ctc``.

    Raises
    ------
    MissingModel
        If no checkpoint is named, or it is not on this machine.
    InputError, FormatError
        If it is of another architecture, has no CTC head or vocabulary, or is damaged.
    """

    name = "hf-ctc"
    languages: tuple[str, ...] = ("*",)
    takes_model = True

    def __init__(self, options: CtcModelOptions, romanized: bool = False) -> None:
        if not options.model:
            raise MissingModel("no CTC checkpoint is named: name its folder with --model FOLDER")
        # torch is an optional package: only who names a checkpoint waits for it.
        from genlock.models.speech.encoder import load_speech_encoder

        self.options = options
        self.encoder: SpeechEncoder = load_speech_encoder(options.model, ctc=True)
        self.alphabet = Alphabet.of(
            self.encoder.vocabulary,
            self.encoder.blank,
            self.encoder.word_delimiter,
            self.encoder.model.config.vocab_size,
            romanized,
        )
        self.decoder: GreedyDecoder | BeamDecoder = (
            BeamDecoder(self.alphabet, options.beam, options.language_model)
            if options.beam
            else GreedyDecoder(self.alphabet)
        )

    @classmethod
    def missing(cls) -> str | None:
        """Nothing that could be told before a checkpoint is named."""
        return None

    def listen(self, sound: SoundSource, progress: Progress = silent) -> CtcListening:
        """Compute the emissions of a sound; use the result with ``with``."""
        emissions = listen(
            self.encoder,
            sound,
            chunking=self.options.chunking,
            batch=self.options.batch,
            keep=None if self.options.keep is None else Path(self.options.keep),
            progress=progress,
        )
        return CtcListening(self, emissions)


class CtcListening(LaidWords):
    """One sound as the model heard it. Times are on the sound's clock, the model's bias taken off."""

    def __init__(self, model: HfCtc, emissions: EmissionFile) -> None:
        super().__init__(model.alphabet, emissions, model.encoder.bias_seconds, model.encoder.widen_seconds)
        self.model = model

    def __enter__(self) -> CtcListening:
        return self

    def __exit__(self, *_: object) -> None:
        self.emissions.close()

    @property
    def silent_reason(self) -> str | None:
        """Why nothing can be found at all, or None."""
        if self.emissions.frames == 0:
            return "the sound is too short: the model needs at least 400 samples"
        return super().silent_reason

    def decode(self) -> list[DecodedWord]:
        """The words that are recognised, in frames. Raises WritesPhones if the model does."""
        if self.model.alphabet.phones:
            raise WritesPhones(
                f"the model {self.model.encoder.source!r} writes phones, not words: give what is said with "
                "--transcript, or let another recogniser listen with --recognizer"
            )
        return [] if self.silent_reason else self.model.decoder.decode(self.emissions)

    def recognize(self) -> list[Heard]:
        """The words that are recognised, with the decoder's own rough times."""
        return [
            Heard(w.text, *self._edges(w.first_frame, w.stop_frame), min(max(w.probability, 0.0), 1.0))
            for w in self.decode()
        ]

    def words(self) -> list[Word]:
        """The words that are recognised, each laid into the sound as it is spelt."""
        return self.laid([word.text for word in self.decode()])

    def _edges(self, first: int, stop: int) -> tuple[Fraction, Fraction]:
        grid = self.emissions.grid
        return grid.edge(first) - self._bias, grid.edge(stop) - self._bias
