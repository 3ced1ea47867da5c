"""All voices by name, and the one call that makes any of them speak."""

from __future__ import annotations

from dataclasses import dataclass

from genlock.core.errors import MissingDependency, OptionError
from genlock.core.plugins import did_you_mean
from genlock.synth.talkers.voices import Engine, Manner, Spoken, Text
from genlock.synth.talkers.voices_espeak import Espeak
from genlock.synth.talkers.voices_flite import Flite
from genlock.synth.talkers.voices_kokoro import Kokoro
from genlock.synth.talkers.voices_own import OwnVoice
from genlock.synth.talkers.voices_vtl import VocalTractLab

__all__ = ["ENGINES", "VoiceList", "find_voice", "list_voices", "speak"]

#: Every engine, the one that is always there first.
ENGINES: tuple[Engine, ...] = (OwnVoice(), Flite(), Espeak(), Kokoro(), VocalTractLab())


@dataclass(frozen=True)
class VoiceList:
    """The voices of one engine on this machine."""

    engine: str
    """Its name."""
    licence: str
    """Of its sound."""
    voices: tuple[str, ...]
    """As :func:`speak` takes them; empty if the engine is missing."""
    missing: str | None
    """How to get the engine, in one line; None if it is here."""

    def __str__(self) -> str:
        return self.missing or f"{self.engine} ({self.licence}): {len(self.voices)} voices"


def list_voices() -> tuple[VoiceList, ...]:
    """The engines, and their voices on this machine.

    >>> list_voices()[0].voices[0]
    'own:middle'
    """
    return tuple(
        VoiceList(
            engine.name,
            engine.licence,
            tuple(f"{engine.name}:{voice}" for voice in engine.voices()),
            engine.missing(),
        )
        for engine in ENGINES
    )


def find_voice(voice: str) -> tuple[Engine, str]:
    """The engine of a voice and the voice's own name; an engine's name alone means its first voice.

    >>> find_voice("own")[1]
    'middle'

    Raises
    ------
    OptionError
        If there is no such engine.
    MissingDependency
        If the engine is not on this machine; the message says how to get it.
    """
    engine_name, _, name = voice.partition(":")
    engine = next((each for each in ENGINES if each.name == engine_name), None)
    if engine is None:
        known = [each.name for each in ENGINES]
        raise OptionError(
            f"no engine is called {engine_name!r}; there are {', '.join(known)}{did_you_mean(engine_name, known)}"
        )
    missing = engine.missing()
    if missing:
        raise MissingDependency(missing)
    return engine, name or engine.voices()[0]


def speak(text: Text, voice: str = "own", manner: Manner | None = None) -> Spoken:
    """Speak a sentence with known times of its phones and words.

    Parameters
    ----------
    text : str or sequence of SpokenWord
        Words to say; engines that speak by phones look them up, and take them with their phones too.
    voice : str
        ``ENGINE`` or ``ENGINE:VOICE``; :func:`list_voices` names them.
    manner : Manner, optional
        Tempo, pitch, silence around it, seed.

    Returns
    -------
    Spoken
        Equal arguments give equal samples.

    Raises
    ------
    OptionError
        If there is no such voice, or nothing to say.
    MissingDependency, MissingModel
        If the engine is not on this machine.

    Examples
    --------
    >>> said = speak("lay white by eight three please", "own", Manner(speed=1.1))
    >>> said.words[1].label, said.phones.at(said.words[1].start).label
    ('white', 'W')
    """
    engine, name = find_voice(voice)
    return engine.speak(text, name, manner or Manner())
