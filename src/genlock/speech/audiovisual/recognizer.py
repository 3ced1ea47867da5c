"""``--recognizer avsr:FOLDER``: recognises and aligns by sound and lips, in one pass over a film."""

from __future__ import annotations

from genlock.core.progress import Progress, silent
from genlock.media.sound_source import SoundSource
from genlock.speech.audiovisual.checkpoint import load_recognizer, mouths_of
from genlock.speech.audiovisual.listening import AvsrListening, listen
from genlock.speech.mouths import SpooledMouths

__all__ = ["Avsr"]


class Avsr:
    """A folder of ``genlock train avsr``, as a recogniser and an aligner; a
    :class:`~genlock.speech.recognize.FolderModel`.

    Raises
    ------
    MissingModel
        If there is no such folder.
    FormatError
        If it is damaged, of another kind or size, or recognises nothing.
    """

    name = "avsr"
    languages: tuple[str, ...] = ("*",)
    mouth_side: int | None = 96
    takes_folder = True

    def __init__(self, folder: str) -> None:
        self.model = load_recognizer(folder)

    @staticmethod
    def mouths_of(folder: str) -> str:
        """The crops that the model of a folder sees, as a feature."""
        return mouths_of(folder)

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be used here, or None."""
        try:
            import torch  # noqa: F401
            import transformers  # noqa: F401
        except ImportError as error:
            return f"it needs torch and transformers ({error}): pip install 'genlock[models]'"
        return None

    def listen(
        self, sound: SoundSource, progress: Progress = silent, mouths: SpooledMouths | None = None
    ) -> AvsrListening:
        """Recognise a film; use the result with ``with``."""
        return listen(self.model, sound, mouths, progress=progress)
