"""Words with times, for sound of any length: recognise or take the text, cut into pieces, align each."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from genlock.core.errors import MissingDependency, MissingModel, OptionError, TranscriptError
from genlock.core.memory import return_free_memory
from genlock.core.plugins import check_plugin, plugin_class, plugin_names
from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.media.sound_source import SoundSource
from genlock.speech.alike import phones_of
from genlock.speech.anchors import Piece, match_words, pieces
from genlock.speech.at_once import with_others
from genlock.speech.checked import CheckedText, Placing, checked_words, unheard_sound
from genlock.speech.ctc.by_language import (
    LanguageAligner,
    aligner_in_cache,
    how_to_align,
    language_of_checkpoint,
    named_aligner,
)
from genlock.speech.ctc.options import CtcModelOptions, WritesPhones
from genlock.speech.grounded import grounded
from genlock.speech.heard import Heard
from genlock.speech.language import ASSUMED, AUTO, find_spoken_language
from genlock.speech.mouths import SpooledMouths
from genlock.speech.music import WithoutMusic, music_spans
from genlock.speech.phones.espeak import espeak_languages
from genlock.speech.recognize import (
    GROUP,
    Listening,
    OfFolder,
    find_recognizer,
    knows,
    mouth_side_of,
    of_folder,
    recognize,
    recognizer_instance,
    recognizer_kind,
    require_folder,
    require_model,
    takes_model,
)
from genlock.speech.sound import instant, require_speech_rate, seconds_long
from genlock.speech.sphinx.align import Placed
from genlock.speech.subtitles import Cue
from genlock.speech.text import NOTHING_TO_SAY, Token, tokenize, written_words
from genlock.speech.text_check import Compared, compare_text
from genlock.speech.whisper.options import WhisperOptions
from genlock.speech.whisper.recognizer import FasterWhisper, lacking_whisper
from genlock.speech.words import Word, Words

__all__ = ["ALIGNERS", "Aligner", "aligner_for", "find_aligner", "mouths_of", "recognize_and_align"]

#: Entry-point group of aligners.
ALIGNERS = "genlock.aligners"
#: The aligners that ``auto`` tries after those of other packages, the best first.
PREFERRED = ("pocketsphinx", "phones", "hama")
#: Those that are taken where there is nothing larger.
_FLOOR = ("phones", "hama")

#: A text is aligned in one piece with sound up to this long; longer sound is cut at recognised anchors.
WHOLE_SECONDS = 45
#: Where nothing was recognised there is no place to cut: sound up to this long is aligned in one piece all the same.
LONGEST_WHOLE_SECONDS = 300
#: After sound longer than this the recogniser leaves its memory to the aligner. Short sounds may be one of many, and
#: reading the model anew for each of them would count.
RELEASE_SECONDS = 30
#: A word less sure than this is not said to be there.
LEAST_CONFIDENCE = 0.05
#: With a median confidence of the words found below the first, or below the second where more than half of
#: the words were not found, the text does not belong to the sound, and no word keeps its times.
LEAST_MEDIAN, LEAST_MEDIAN_OF_FEW = 0.12, 0.6
#: So many recognised words in a row without a place in the sound were made up: Whisper writes on over noise.
MADE_UP = 10
_FOREIGN = "the text does not fit the sound: another language, or the text of another recording?"


class Aligner(Protocol):
    """What puts words on the clock. Registered under ``genlock.aligners``; made without arguments, or with the
    ``language`` of the words where the class says ``takes_language = True``."""

    name: str
    languages: tuple[str, ...]
    """ISO 639-1 codes; ``*`` for any."""

    def align(
        self,
        samples: npt.NDArray[np.floating],
        tokens: Sequence[Token],
        origin: Fraction = ...,
        clock: str = ...,
    ) -> list[Placed]:
        """One place for each token, in order, in a piece of 16 kHz sound whose sample 0 is at ``origin``."""
        ...


def find_aligner(name: str, language: str, with_model: bool) -> tuple[str, Any] | None:
    """Name and class of the aligner that is meant: an :class:`Aligner`, a
    :class:`~genlock.speech.recognize.SpeechModel` where a checkpoint is named, or an
    :class:`~genlock.speech.recognize.OfFolder` for ``NAME:FOLDER``; ``ctc:NAME`` is a checkpoint of the hub's cache.
    None if none knows the language.

    Raises OptionError if an aligner was named that does not exist, MissingModel if it lacks a checkpoint.

    >>> find_aligner("auto", "en", with_model=False)[0]
    'pocketsphinx'
    """
    if name.startswith("ctc:"):
        found = named_aligner(name.removeprefix("ctc:"))
        return f"ctc:{found.name}", found
    if name == "auto" and not with_model:
        return aligner_for(language)
    if name == "ctc" and not with_model:
        own = aligner_in_cache(language)
        if own is not None:
            return f"ctc:{own.name}", own
    return _registered_aligner(name, language, with_model)


def aligner_for(language: str) -> tuple[str, Any] | None:
    """Name and class of the best aligner of a language that is here; None if there is none.

    For other languages than English the CTC checkpoint of the registry comes first if the hub's cache has it; then
    those of other packages, then our own: by phones where espeak-ng pronounces the language, hama last.

    >>> aligner_for("en")[0]
    'pocketsphinx'
    """
    own = aligner_in_cache(language) if language != ASSUMED else None
    if own is not None and not own.romanized:
        return f"ctc:{own.name}", own
    found = _registered_aligner("auto", language, with_model=False)
    if own is not None and (found is None or found[0] in _FLOOR):
        return f"ctc:{own.name}", own
    return found


def _registered_aligner(name: str, language: str, with_model: bool) -> tuple[str, Any] | None:
    in_folder = of_folder(ALIGNERS, name)
    if in_folder is not None:
        return (name, in_folder) if knows(in_folder, language) else None
    others = [other for other in plugin_names(ALIGNERS) if other not in PREFERRED]
    own = [candidate for candidate in PREFERRED if candidate in plugin_names(ALIGNERS)]
    for candidate in [*others, *own] if name == "auto" else [name]:
        kind = plugin_class(ALIGNERS, candidate, "name", "languages")
        if getattr(kind, "takes_folder", False) and name == "auto":
            continue
        require_folder(ALIGNERS, candidate, kind)
        check_plugin(ALIGNERS, candidate, kind, "listen" if takes_model(kind) else "align")
        if name != "auto":
            require_model(ALIGNERS, name, kind, with_model)
        elif takes_model(kind) != with_model:
            continue
        if knows(kind, language):
            return candidate, kind
    return None


def mouths_of(recognizer: str, language: str, with_model: bool, aligner: str) -> str | None:
    """The mouth crops that a recogniser or an aligner asks for, as a feature; None: both only hear.

    >>> mouths_of("pocketsphinx", "en", False, "auto") is None
    True

    Raises OptionError if no recogniser of that name exists.
    """
    named = [of_folder(GROUP, recognizer), of_folder(ALIGNERS, aligner)]
    for found in named:
        if found is not None and found.mouths is not None:
            return found.mouths
    side = None if named[0] is not None else mouth_side_of(recognizer, language, with_model)
    return None if side is None else f"mouth/{side}"


def recognize_and_align(
    sound: SoundSource,
    *,
    transcript: str | None = None,
    cues: Sequence[Cue] | None = None,
    language: str = "en",
    recognizer: str = "auto",
    aligner: str = "auto",
    model: CtcModelOptions | WhisperOptions | None = None,
    mouths: SpooledMouths | None = None,
    heard: Sequence[Heard] | None = None,
    least_matched: float = 0.0,
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
    language : ISO 639-1 code, or ``auto``: told by the text, or heard by a Whisper model of many languages if one is
        here; else English is taken
    recognizer, aligner : str
        A registered name, or ``auto``: the best one present; with ``model`` one that is made of a checkpoint, such as
        ``hf-ctc``, and ``ctc`` to align. ``avsr:FOLDER`` hears and sees, and aligns what it recognises.
    model : CtcModelOptions or WhisperOptions, optional
        A CTC checkpoint to recognise and align with; or which Whisper recognises, and how.
    mouths : SpooledMouths, optional
        The mouths of the film, for a recogniser that reads lips.
    heard : sequence of Heard, optional
        What a recogniser heard in this sound already, on its clock. None: it is asked where that is needed.
    least_matched : float
        The text is compared with what is recognised; below this share of it, 0...1, it is not what is said, and only
        words that are heard in a row keep times. 0: nothing is compared. Nor is it where nothing here recognises the
        language well enough.

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
             -          -  Hello
             -          -  there
    note: the sound is silent here
    """
    require_speech_rate(sound)
    text = " ".join(cue.plain for cue in cues) if transcript is None and cues is not None else transcript
    if not 0 <= least_matched <= 1:
        raise OptionError(f"least_matched={least_matched} is no share; say a number from 0 to 1")
    if isinstance(model, WhisperOptions) and model.task == "translate" and text is not None:
        raise OptionError("--task translate writes what is said in English; it takes no transcript")

    def found(spoken: str) -> Words:
        return _found(sound, text, spoken, recognizer, aligner, model, mouths, heard, least_matched, progress)

    if language != AUTO:
        return found(language)
    spoken = find_spoken_language(sound, text, recognizer, model)
    if spoken is not None:
        return replace(found(spoken.language), language_probability=round(spoken.probability, 4))
    named = language_of_checkpoint(model.model) if isinstance(model, CtcModelOptions) else None
    return found(named or ASSUMED)


def _found(
    sound: SoundSource,
    text: str | None,
    language: str,
    recognizer: str,
    aligner: str,
    model: CtcModelOptions | WhisperOptions | None,
    mouths: SpooledMouths | None,
    heard: Sequence[Heard] | None,
    least_matched: float,
    progress: Progress,
) -> Words:
    with _Session(sound, language, recognizer, aligner, model, mouths, progress) as session:
        session.heard_already(heard)
        if text is None:
            return with_others(sound, grounded(sound, session.recognized()))
        tokens = tokenize(text, language)
        if not tokens:
            raise TranscriptError("the transcript is empty; give the words that are spoken, or leave it out")
        words = session.checked(tokens, least_matched) if least_matched else session.aligned(tokens)
        words = _with_note(words, session.unchecked)
        return with_others(sound, grounded(sound, words))


def _with_note(words: Words, unchecked: str | None) -> Words:
    """Words of a text that nobody compared with the sound say so: they have times even if nobody says them."""
    if unchecked is None or all(word.start is None for word in words):
        return words
    note = f"the text was not compared with what is said: {unchecked}"
    return replace(words, reason=note if words.reason is None else f"{words.reason}; {note}")


class _Session:
    """One sound, who recognises it and who aligns it. A model that does both hears it once."""

    def __init__(
        self,
        sound: SoundSource,
        language: str,
        recognizer: str,
        aligner: str,
        model: CtcModelOptions | WhisperOptions | None,
        mouths: SpooledMouths | None,
        progress: Progress,
    ) -> None:
        self.sound, self.language, self.progress = sound, language, progress
        self._recognizer, self._mouths = recognizer, mouths
        self._asked = aligner
        self._whisper = model if isinstance(model, WhisperOptions) else None
        self._model = model if isinstance(model, CtcModelOptions) else None
        named = None if recognizer == "auto" else recognizer_kind(recognizer)
        if named is not None:
            require_model(GROUP, recognizer, named, self._model is not None)
        # Whoever is made of a folder aligns what it recognises, unless somebody else is named.
        own = aligner == "auto" and isinstance(named, OfFolder)
        self._aligner = find_aligner(recognizer if own else aligner, language, self._model is not None)
        self._heard: dict[Any, Listening] = {}
        self._recognized: tuple[str, list[Heard]] | None = None
        self._without_music: SoundSource | None = None
        self._open = ExitStack()
        self.unchecked: str | None = None
        """Why a text was not compared with the sound, where it should have been; None: it was."""

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def heard_already(self, heard: Sequence[Heard] | None) -> None:
        """Take what somebody recognised before, and listen no more."""
        self._recognized = None if heard is None else ("given", list(heard))

    def checked(self, tokens: Sequence[Token], least: float) -> Words:
        """The words of a text, compared with what is heard where that can be."""
        if not any(token.forms for token in tokens) or not self._can_check():
            return self.aligned(tokens)
        try:
            heard = self._hear()[1]
        except WritesPhones:  # no words to compare with
            return self.aligned(tokens)
        compared = self._compared(tokens, heard)
        start, end = self.sound.origin, self.sound.origin + seconds_long(self.sound)
        text = CheckedText(tokens, heard, compared, start, end, least, self._judges())
        likely = [tokens[number] for number in text.likely]
        place_of = {number: place for place, number in enumerate(text.likely)}
        anchors = {place_of[x]: heard[y] for x, y in compared.beside.items() if x in place_of}
        words = self.aligned(likely, anchors) if any(t.forms for t in likely) else self._unspoken(likely)
        return checked_words(text, words, self._placing(tokens))

    def _judges(self) -> bool:
        """Whether the aligner can say that words are not what is said."""
        if self._aligner is None or _listens(self._aligner[1]):
            return True
        return _least_confidence(_made(self._aligner[1], self.language)) > 0

    def _compared(self, tokens: Sequence[Token], heard: Sequence[Heard]) -> Compared:
        """A text beside what is heard."""
        unheard = unheard_sound(self.sound, heard)
        return compare_text(tokens, heard, phones_of(self.language), self.language, unheard)

    def _unspoken(self, tokens: Sequence[Token]) -> Words:
        """Words between which nothing is said that could be aligned."""
        words = [Word(token.text, reason=token.reason or NOTHING_TO_SAY) for token in tokens]
        return self._words(words, None, None if self._aligner is None else self._aligner[0], None)

    def _can_check(self) -> bool:
        """Whether somebody recognises the language well enough to say that a text is wrong."""
        if self._aligner is None or self._recognized is not None:
            return self._aligner is not None
        try:
            name, _ = self._find_recognizer()
        except (OptionError, MissingModel, MissingDependency) as error:
            self.unchecked = str(error)
            return False
        if name != "pocketsphinx":
            return True
        # Of a right text it misses every second word.
        lacking = None if self._recognizer == name else FasterWhisper.lacking(self.language)
        self.unchecked = (
            f"{name} errs too often to say so" if lacking is None else str(lacking_whisper(self.language))
        )
        return False

    def _placing(self, tokens: Sequence[Token]) -> Placing | None:
        """What looks for a few words in a piece of the sound; None if the aligner hears only the whole."""
        if self._aligner is None or _listens(self._aligner[1]):
            return None
        aligner: Aligner = _made(self._aligner[1], self.language)
        least = _least_confidence(aligner)

        def place(numbers: Sequence[int], start: Fraction, end: Fraction) -> list[Word]:
            part = Piece(start, end, range(numbers[0], numbers[-1] + 1), range(numbers[0], numbers[-1] + 1))
            with _one_blas_thread():
                places = _piece(self._spoken(tokens), tokens, part, aligner)
            own = tokens[part.words.start : part.words.stop]
            return [_word(token, found, least) for token, found in zip(own, places, strict=True)]

        return place

    def aligned(self, tokens: Sequence[Token], alike: Mapping[int, Heard] | None = None) -> Words:
        """The words of a text. ``alike``: what was heard for some of them, by their numbers."""
        if self._aligner is None:
            return self._without_times(tokens, self._nobody)
        kind = self._aligner[1]
        if _listens(kind):
            return self._judged(tokens, self._listening(kind).align(tokens), None)
        if not any(token.forms for token in tokens):
            return self._without_times(tokens, "the transcript holds nothing that can be spoken")
        aligner: Aligner = _made(kind, self.language)
        whole, anchors = seconds_long(self.sound) <= WHOLE_SECONDS, {}
        if not whole:
            listener, heard = self._hear()
            if alike is None:
                alike = {x: heard[y] for x, y in self._compared(tokens, heard).beside.items()}
            anchors = _anchors(tokens, heard, alike)
            whole = not anchors and seconds_long(self.sound) <= LONGEST_WHOLE_SECONDS
        spoken = self._spoken(tokens)
        if whole:
            with _one_blas_thread():
                samples = spoken.samples(0, spoken.count)
                placed = aligner.align(samples, tokens, self.sound.origin, self.sound.clock)
            self.progress("align", float(seconds_long(self.sound)), float(seconds_long(self.sound)))
            return self._judged(tokens, placed, None, _least_confidence(aligner))
        placed = _in_pieces(spoken, tokens, anchors, aligner, self.progress)
        return self._judged(tokens, placed, listener, _least_confidence(aligner))

    def recognized(self) -> Words:
        """The words that are heard."""
        listener, kind = self._find_recognizer()
        if self._recognizer == "auto" and listener == "pocketsphinx" and self._recognized is None:
            # Of what is said it gets every second word wrong: that is for whoever asks for it by name.
            raise lacking_whisper(
                self.language, "; --recognizer pocketsphinx does without, and errs in every second word"
            )
        if self._whisper is not None and self._whisper.task == "translate":
            return self._translated()
        if self._aligner is not None and _listens(kind) and kind == self._aligner[1]:
            listening = self._listening(kind)
            words = listening.words()
            reason = None if words else listening.silent_reason or "no speech was recognised"
            return self._words(words, listener, self._aligner[0] if words else None, reason)
        listener, heard = self._hear()
        if not heard:
            return self._words((), listener, None, "no speech was recognised")
        tokens = tokenize(" ".join(word.text for word in heard), self.language)
        if self._aligner is None:
            return self._with_rough_times(listener, heard, self._rough)
        name, kind = self._aligner
        if _listens(kind):
            return self._judged(tokens, self._listening(kind).align(tokens), listener)
        # A recognised word is one token, unless the recogniser put spaces into it, or the language has none.
        owners = [word for word in heard for _ in written_words(word.text, self.language)]
        aligner: Aligner = _made(kind, self.language)
        least = _least_confidence(aligner)
        if not least and self._asked == "auto":
            return self._with_rough_times(listener, heard, self._rough)
        placed = _in_pieces(self._spoken(tokens), tokens, dict(enumerate(owners)), aligner, self.progress)
        words = []
        for token, place, word in zip(tokens, placed, owners, strict=True):
            if place.start is None or place.end is None:
                near = f"{place.reason}; recognised near {float(word.start):.2f} s"
                words.append(Word(token.text, reason=near))
            elif place.confidence < least:
                words.append(_word(token, place, least))
            else:
                sure = round(place.confidence * word.probability, 4)
                within = _rounded(place.within_50ms)
                words.append(Word(token.text, place.start, place.end, sure, within_50ms=within))
        kept = _without_made_up(words)
        notes = [] if least else [self._unheard(name)]
        if len(kept) < len(words):
            lost = len(words) - len(kept)
            notes.insert(0, f"{lost} words that the recogniser wrote are not in the sound, and were left out")
        return self._words(kept, listener, name, "; ".join(notes) or None)

    def _spoken(self, tokens: Sequence[Token]) -> SoundSource:
        """The sound for the aligner: without music that plays where nobody speaks."""
        if self._without_music is None:
            music = music_spans(self.sound, sum(bool(token.forms) for token in tokens))
            self._without_music = WithoutMusic(self.sound, music) if music else self.sound
        return self._without_music

    def _hear(self) -> tuple[str, list[Heard]]:
        """The name of the recogniser, and what it heard."""
        if self._recognized is None:
            self._recognized = self._listened()
        return self._recognized

    def _listened(self) -> tuple[str, list[Heard]]:
        name, kind = self._find_recognizer()
        if _listens(kind):
            return name, self._listening(kind).recognize()
        listener = recognizer_instance(name, self.language, self._whisper)
        heard = recognize(self.sound, listener, self.language, self.progress, self._mouths)
        if seconds_long(self.sound) > RELEASE_SECONDS and hasattr(listener, "release"):
            listener.release()
            return_free_memory()
        return name, heard

    def _find_recognizer(self) -> tuple[str, Any]:
        return find_recognizer(self._recognizer, self.language, self._model is not None, self._whisper)

    def _translated(self) -> Words:
        """English words for what is said in another language: nothing can lay them into the sound more closely."""
        listener, heard = self._hear()
        if not heard:
            return self._words((), listener, None, "no speech was recognised")
        words = self._with_rough_times(listener, heard, None)
        return replace(words, language="en")

    def _with_rough_times(self, listener: str, heard: Sequence[Heard], reason: str | None) -> Words:
        """Words at the recogniser's own times."""
        words, reached = [], self.sound.origin
        for word in heard:
            start, end = max(word.start, reached), max(word.end, reached)
            if start < end:
                words.append(Word(word.text, start, end, round(word.probability, 4)))
                reached = end
            else:
                words.append(
                    Word(word.text, reason=f"recognised near {float(word.start):.2f} s, without a length")
                )
        return self._words(words, listener, listener, reason)

    @property
    def _rough(self) -> str:
        return (
            f"times are the recogniser's own and rough: nothing here knows the sounds of {self.language!r}; "
            f"get what does: {how_to_align(self.language)}"
        )

    def _listening(self, kind: Any) -> Listening:
        if kind not in self._heard:
            listening = (
                kind.listen(self.sound, self.progress, self._mouths)
                if isinstance(kind, OfFolder | LanguageAligner)
                else kind(self._model).listen(self.sound, self.progress)
            )
            self._heard[kind] = self._open.enter_context(listening)
        return self._heard[kind]

    def _judged(
        self,
        tokens: Sequence[Token],
        placed: Sequence[Placed],
        listener: str | None,
        least: float = LEAST_CONFIDENCE,
    ) -> Words:
        """Times only for words that fit the sound; none at all if the text as a whole does not."""
        assert self._aligner is not None
        name = self._aligner[0]
        placed, reason = _fitting(tokens, placed, least)
        words = [_word(token, place, least) for token, place in zip(tokens, placed, strict=True)]
        return self._words(words, listener, name, reason if least else reason or self._unheard(name))

    def _unheard(self, name: str) -> str:
        how = how_to_align(self.language, small=False)
        return (
            f"the aligner {name} was not trained on the language {self.language!r}: times are rough, and a text "
            f"that is not what is said would not be noticed; get what knows it: {how}"
        )

    @property
    def _nobody(self) -> str:
        without = (
            ""
            if espeak_languages()
            else ", or install espeak-ng: the aligner phones then pronounces its words"
        )
        how = how_to_align(self.language)
        return f"nothing here aligns the language {self.language!r}; get what does: {how}{without}"

    def _without_times(self, tokens: Sequence[Token], reason: str, listener: str | None = None) -> Words:
        words = [Word(token.text, reason=token.reason or reason) for token in tokens]
        return self._words(words, listener, None, reason)

    def _words(
        self, words: Sequence[Word], listener: str | None, aligner: str | None, reason: str | None
    ) -> Words:
        return Words(words, self.sound.clock, listener, aligner, self.language, reason)


def _made(kind: Any, language: str) -> Any:
    """The aligner of a class; one that pronounces words is told their language."""
    return kind(language=language) if getattr(kind, "takes_language", False) else kind()


def _listens(kind: Any) -> bool:
    """Whether a class hears a sound as a whole, and not piece by piece."""
    return takes_model(kind) or isinstance(kind, OfFolder | LanguageAligner)


def _anchors(tokens: Sequence[Token], heard: Sequence[Heard], alike: Mapping[int, Heard]) -> dict[int, Heard]:
    """Words of the text that are surely heard, with the times of what was heard: of all of it where a word of the text
    was recognised as several."""
    exact = match_words(tokens, heard)
    return {
        number: exact[number]
        if number in exact and exact[number].start <= word.start <= exact[number].end
        else word
        for number, word in alike.items()
    }


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
                    place = replace(place, start=max(place.start, reached), end=max(place.end, reached))
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


def _without_made_up(words: Sequence[Word]) -> list[Word]:
    """Recognised words less those of which so many in a row are not in the sound that the recogniser made them up.

    >>> len(_without_made_up([Word("a", 0, 1), *[Word("b", reason="not found")] * 12]))
    1
    """
    kept: list[Word] = []
    for timed, run in groupby(words, lambda word: word.start is not None):
        here = list(run)
        if timed or len(here) < MADE_UP:
            kept += here
    return kept


def _least_confidence(aligner: Aligner) -> float:
    """Zero where the aligner does not know the language well enough to say that a text is another one."""
    return LEAST_CONFIDENCE if getattr(aligner, "judges", True) else 0.0


def _fitting(
    tokens: Sequence[Token], placed: Sequence[Placed], least: float
) -> tuple[Sequence[Placed], str | None]:
    """Places of words that fit the sound, and what is wrong with the text as a whole, if anything is."""
    spoken = [p for t, p in zip(tokens, placed, strict=True) if t.forms]
    sure = [p.confidence if p.start is not None else 0.0 for p in spoken]
    if all(p.start is None for p in spoken):
        reasons = list(dict.fromkeys(p.reason for p in spoken if p.reason))
        return placed, reasons[0] if len(reasons) == 1 else _FOREIGN
    if least and _is_foreign(
        [c for p, c in zip(spoken, sure, strict=True) if p.start is not None], len(spoken)
    ):
        return [
            p if p.start is None else Placed(None, None, p.confidence, _FOREIGN) for p in placed
        ], _FOREIGN
    missing = sum(_word(t, p, least).start is None for t, p in zip(tokens, placed, strict=True) if t.forms)
    if missing <= len(spoken) / 2:
        return placed, None
    return placed, (
        f"{missing} of {len(spoken)} words were not found: "
        "the text is longer than what is spoken, or differs from it"
    )


def _is_foreign(confidences: Sequence[float], words: int) -> bool:
    least = LEAST_MEDIAN if 2 * len(confidences) >= words else LEAST_MEDIAN_OF_FEW
    return statistics.median(confidences) < least


def _word(token: Token, place: Placed, least: float = LEAST_CONFIDENCE) -> Word:
    if place.start is None or place.end is None:
        return Word(token.text, reason=place.reason or "not found in the sound")
    if place.end <= place.start:
        return Word(token.text, reason=f"its neighbours leave it no time at {float(place.start):.2f} s")
    if place.confidence < least:
        return Word(
            token.text,
            reason=f"the sound from {float(place.start):.2f} to {float(place.end):.2f} s, "
            "where it would be, does not fit it",
        )
    sure, within = round(place.confidence, 4), _rounded(place.within_50ms)
    return Word(token.text, place.start, place.end, sure, within_50ms=within)


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)
