"""Words with times, for sound of any length: recognise or take the text, cut into pieces, align each."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from genlock.core.errors import MissingModel, TranscriptError
from genlock.core.plugins import plugin_class, plugin_names
from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.media.sound_source import SoundSource
from genlock.speech.anchors import Piece, match_words, pieces
from genlock.speech.ctc.checkpoint import ALIGNER, RECOGNIZER, CtcModelOptions, HfCtc
from genlock.speech.mouths import SpooledMouths
from genlock.speech.recognize import Heard, choose_recognizer, recognize
from genlock.speech.sound import instant, require_speech_rate, seconds_long
from genlock.speech.sphinx.align import Placed
from genlock.speech.subtitles import Cue
from genlock.speech.text import Token, tokenize
from genlock.speech.words import Word, Words

__all__ = ["ALIGNERS", "Aligner", "choose_aligner", "recognize_and_align"]

#: Entry-point group of aligners.
ALIGNERS = "genlock.aligners"
#: The aligners that ``auto`` tries after those of other packages.
PREFERRED = ("pocketsphinx",)

#: A text is aligned in one piece with sound up to this long; longer sound is cut at recognised anchors.
WHOLE_SECONDS = 45
#: A word less sure than this is not said to be there.
LEAST_CONFIDENCE = 0.05
#: With a median confidence of the words found below the first, or below the second where more than half of
#: the words were not found, the text does not belong to the sound, and no word keeps its times.
LEAST_MEDIAN, LEAST_MEDIAN_OF_FEW = 0.12, 0.6
_FOREIGN = "the text does not fit the sound: another language, or the text of another recording?"


class Aligner(Protocol):
    """What puts words on the clock. Registered under ``genlock.aligners``; made without arguments."""

    name: str
    languages: tuple[str, ...]
    """ISO 639-1 codes."""

    def align(
        self,
        samples: npt.NDArray[np.floating],
        tokens: Sequence[Token],
        origin: Fraction = ...,
        clock: str = ...,
    ) -> list[Placed]:
        """One place for each token, in order, in a piece of 16 kHz sound whose sample 0 is at ``origin``."""
        ...


def choose_aligner(name: str, language: str) -> Aligner | None:
    """The aligner of a name, or for ``auto`` the best one that knows the language; None if none does.

    Raises OptionError if an aligner was named that does not exist.

    >>> choose_aligner("auto", "en").name, choose_aligner("auto", "de")
    ('pocketsphinx', None)
    """
    others = [other for other in plugin_names(ALIGNERS) if other not in PREFERRED]
    candidates = [*others, *PREFERRED] if name == "auto" else [name]
    for candidate in candidates:
        kind = plugin_class(ALIGNERS, candidate, "name", "languages", "align")
        if language in kind.languages:
            made: Aligner = kind()
            return made
    return None


def recognize_and_align(
    sound: SoundSource,
    *,
    transcript: str | None = None,
    cues: Sequence[Cue] | None = None,
    language: str = "en",
    recognizer: str = "auto",
    aligner: str = "auto",
    model: CtcModelOptions | None = None,
    mouths: SpooledMouths | None = None,
    progress: Progress = silent,
) -> Words:
    """The words of a sound and their times on its clock.

    Parameters
    ----------
    sound : SoundSource
        16 kHz mono sound of any length; about half a minute of it is in memory at a time.
    transcript : str, optional
        The words that are spoken. Each comes back as written, with times or a reason. None: recognise them.
    cues : sequence of Cue, optional
        Subtitles whose words are the transcript; their old times are not used.
    language : ISO 639-1 code
    recognizer, aligner : str
        A registered name, or ``auto``: the best one present. With ``model`` that is ``hf-ctc``, and ``ctc``
        to align.
    model : CtcModelOptions, optional
        A CTC checkpoint to recognise and align with.
    mouths : SpooledMouths, optional
        The mouths of the film, for a recogniser that reads lips.

    Raises
    ------
    TranscriptError
        If the transcript holds no word.
    OptionError
        If there is no transcript and nothing here recognises the language, or a name is unknown.
    MissingModel
        If the recogniser that was named lacks its model.

    Examples
    --------
    >>> from genlock.core import Grid, Track
    >>> from genlock.media.sound_source import TrackSound
    >>> quiet = TrackSound(Track(np.zeros(16000, np.float32), Grid.of_samples(16000)))
    >>> print(recognize_and_align(quiet, transcript="Hello there"))
             -          -  Hello  (the sound is silent here)
             -          -  there  (the sound is silent here)
    note: the sound is silent here
    """
    require_speech_rate(sound)
    text = " ".join(cue.plain for cue in cues) if transcript is None and cues is not None else transcript
    if model is None and (recognizer == RECOGNIZER or aligner == ALIGNER):
        raise MissingModel(
            f"the recogniser {RECOGNIZER!r} and the aligner {ALIGNER!r} need a checkpoint: "
            "name its folder with --model FOLDER"
        )
    if model is not None and aligner in ("auto", ALIGNER):
        return _with_model(sound, text, language, recognizer, model, mouths, progress)
    if model is not None and recognizer in ("auto", RECOGNIZER) and text is None:
        return _recognized_by_model(sound, language, model, choose_aligner(aligner, language), progress)
    chosen = choose_aligner(aligner, language)
    if text is None:
        return _recognized(sound, language, recognizer, chosen, mouths, progress)
    tokens = tokenize(text, language)
    if not tokens:
        raise TranscriptError("the transcript is empty; give the words that are spoken, or leave it out")
    if chosen is None:
        reason = f"nothing here aligns the language {language!r}; pocketsphinx knows en"
        return Words(
            [Word(t.text, reason=t.reason or reason) for t in tokens],
            sound.clock,
            language=language,
            reason=reason,
        )
    if not any(token.forms for token in tokens):
        reason = "the transcript holds nothing that can be spoken"
        return Words(
            [Word(t.text, reason=t.reason or reason) for t in tokens],
            sound.clock,
            language=language,
            reason=reason,
        )
    if seconds_long(sound) <= WHOLE_SECONDS:
        with _one_blas_thread():
            placed = chosen.align(sound.samples(0, sound.count), tokens, sound.origin, sound.clock)
        progress("align", float(seconds_long(sound)), float(seconds_long(sound)))
        return _judged(tokens, placed, sound, None, chosen.name, language)
    listener = choose_recognizer(recognizer, language)
    heard = recognize(sound, listener, language, progress, mouths)
    found = match_words(tokens, heard)
    placed = _in_pieces(sound, tokens, found, chosen, progress)
    return _judged(tokens, placed, sound, listener.name, chosen.name, language)


def _with_model(
    sound: SoundSource,
    text: str | None,
    language: str,
    recognizer: str,
    model: CtcModelOptions,
    mouths: SpooledMouths | None,
    progress: Progress,
) -> Words:
    """Everything from one run of a CTC model over the sound; only recognition may be another's."""
    tokens = tokenize(text, language) if text is not None else ()
    if text is not None and not tokens:
        raise TranscriptError("the transcript is empty; give the words that are spoken, or leave it out")
    speaker = HfCtc(model)
    other = text is None and recognizer not in ("auto", RECOGNIZER)
    heard_by = recognizer if other else RECOGNIZER
    if other:
        heard = recognize(sound, choose_recognizer(recognizer, language), language, progress, mouths)
        tokens = tokenize(" ".join(word.text for word in heard), language)
    with speaker.listen(sound, progress) as listening:
        if text is not None or other:
            placed = listening.align(tokens)
            return _judged(tokens, placed, sound, heard_by if other else None, ALIGNER, language)
        decoded = listening.decode()
        if not decoded:
            reason = listening.silent_reason or "no speech was recognised"
            return Words((), sound.clock, RECOGNIZER, None, language, reason)
        found = listening.align_texts([word.text for word in decoded])
    words = [
        Word(w.text, reason=w.reason or "not found in the sound")
        if w.start is None or w.end is None
        else Word(w.text, w.start, w.end, None if w.confidence is None else round(w.confidence, 4))
        for w in found.words
    ]
    return Words(words, sound.clock, RECOGNIZER, ALIGNER, language)


def _recognized_by_model(
    sound: SoundSource, language: str, model: CtcModelOptions, aligner: Aligner | None, progress: Progress
) -> Words:
    with HfCtc(model).listen(sound, progress) as listening:
        return _aligned_as_heard(sound, listening.recognize(), language, RECOGNIZER, aligner, progress)


def _recognized(
    sound: SoundSource,
    language: str,
    recognizer: str,
    aligner: Aligner | None,
    mouths: SpooledMouths | None,
    progress: Progress,
) -> Words:
    listener = choose_recognizer(recognizer, language)
    heard = recognize(sound, listener, language, progress, mouths)
    return _aligned_as_heard(sound, heard, language, listener.name, aligner, progress)


def _aligned_as_heard(
    sound: SoundSource,
    heard: Sequence[Heard],
    language: str,
    recognizer: str,
    aligner: Aligner | None,
    progress: Progress,
) -> Words:
    if not heard:
        return Words((), sound.clock, recognizer, None, language, "no speech was recognised")
    tokens = tokenize(" ".join(word.text for word in heard), language)
    # A recognised word is one token, unless the recogniser put spaces into it.
    owners = [word for word in heard for _ in word.text.split()]
    if aligner is None:
        reason = f"nothing here aligns the language {language!r}"
        return Words(
            [Word(t.text, reason=reason) for t in tokens], sound.clock, recognizer, None, language, reason
        )
    placed = _in_pieces(sound, tokens, dict(enumerate(owners)), aligner, progress)
    words = []
    for token, place, word in zip(tokens, placed, owners, strict=True):
        if place.start is None or place.end is None:
            near = f"{place.reason}; recognised near {float(word.start):.2f} s"
            words.append(Word(token.text, reason=near))
        else:
            words.append(
                Word(token.text, place.start, place.end, round(place.confidence * word.probability, 4))
            )
    return Words(words, sound.clock, recognizer, aligner.name, language)


def _in_pieces(
    sound: SoundSource,
    tokens: Sequence[Token],
    anchors: dict[int, Heard],
    aligner: Aligner,
    progress: Progress,
) -> list[Placed]:
    """Align piece by piece; words that overlap the ones before them by a border's doubt are cut back."""
    start, end = sound.origin, sound.origin + seconds_long(sound)
    parts = pieces(len(tokens), anchors, start, end)
    placed = [Placed(None, None, 0.0, t.reason or "no word around it was recognised") for t in tokens]
    reached = start
    with _one_blas_thread():
        for part, places in zip(parts, _places(sound, tokens, parts, aligner), strict=True):
            for number in part.keep:
                place = places[number - part.words.start]
                if place.start is not None and place.end is not None:
                    place = Placed(max(place.start, reached), max(place.end, reached), place.confidence)
                    if place.start == place.end:
                        place = Placed(None, None, 0.0, "it would lie inside the word before it")
                    reached = max(reached, place.end or reached)
                placed[number] = place
            progress("align", float(part.end - start), float(end - start))
    progress("align", float(end - start), float(end - start))
    return placed


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Products of small matrices are computed in the thread that asks for them.

    Those of the aligner are so small that handing them out to several threads costs several times as much as computing
    them. Recognition is left alone: other rounding of its spectrum changes one word in a hundred.
    """
    with threadpool_limits(1, "blas"):
        yield


def _places(
    sound: SoundSource, tokens: Sequence[Token], parts: Sequence[Piece], aligner: Aligner
) -> Iterator[list[Placed]]:
    """The places of each piece's words, in order; several pieces at a time where the aligner takes that."""
    if len(parts) < 2 or not getattr(aligner, "concurrent", False):
        yield from (_piece(sound, tokens, part, aligner) for part in parts)
        return
    aligner.load()  # type: ignore[attr-defined] # who is concurrent has it
    with ThreadPoolExecutor(os.cpu_count() or 1, "genlock-align") as pool:
        yield from pool.map(lambda part: _piece(sound, tokens, part, aligner), parts)


def _piece(sound: SoundSource, tokens: Sequence[Token], part: Piece, aligner: Aligner) -> list[Placed]:
    first = max(0, round_fraction((part.start - sound.origin) * sound.rate, "floor"))
    stop = min(sound.count, round_fraction((part.end - sound.origin) * sound.rate, "ceil"))
    samples = sound.samples(first, stop)
    return aligner.align(
        samples, tokens[part.words.start : part.words.stop], instant(sound, first), sound.clock
    )


def _judged(
    tokens: Sequence[Token],
    placed: Sequence[Placed],
    sound: SoundSource,
    recognizer: str | None,
    aligner: str,
    language: str,
) -> Words:
    """Times only for words that fit the sound; none at all if the text as a whole does not."""
    spoken = [p for t, p in zip(tokens, placed, strict=True) if t.forms]
    sure = [p.confidence if p.start is not None else 0.0 for p in spoken]
    reason = None
    if all(p.start is None for p in spoken):
        reasons = list(dict.fromkeys(p.reason for p in spoken if p.reason))
        reason = reasons[0] if len(reasons) == 1 else _FOREIGN
    elif _is_foreign([c for p, c in zip(spoken, sure, strict=True) if p.start is not None], len(spoken)):
        reason = _FOREIGN
        placed = [p if p.start is None else Placed(None, None, p.confidence, _FOREIGN) for p in placed]
    words = [_word(token, place) for token, place in zip(tokens, placed, strict=True)]
    missing = sum(w.start is None for t, w in zip(tokens, words, strict=True) if t.forms)
    if reason is None and missing > len(spoken) / 2:
        reason = (
            f"{missing} of {len(spoken)} words were not found: "
            "the text is longer than what is spoken, or differs from it"
        )
    return Words(words, sound.clock, recognizer, aligner, language, reason)


def _is_foreign(confidences: Sequence[float], words: int) -> bool:
    least = LEAST_MEDIAN if 2 * len(confidences) >= words else LEAST_MEDIAN_OF_FEW
    return statistics.median(confidences) < least


def _word(token: Token, place: Placed) -> Word:
    if place.start is None or place.end is None:
        return Word(token.text, reason=place.reason or "not found in the sound")
    if place.confidence < LEAST_CONFIDENCE:
        return Word(
            token.text,
            reason=f"the sound from {float(place.start):.2f} to {float(place.end):.2f} s, "
            "where it would be, does not fit it",
        )
    return Word(token.text, place.start, place.end, round(place.confidence, 4))
