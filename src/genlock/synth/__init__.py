"""Sound and picture made by rule, with known truth: a voice, a talking test card, test signals."""

from genlock.synth.card.film import CardOptions, make_card, render_card
from genlock.synth.card.truth import CardTruth, load_truth
from genlock.synth.voice.speak import Speech, VoiceOptions, speak

__all__ = [
    "CardOptions",
    "CardTruth",
    "Speech",
    "VoiceOptions",
    "load_truth",
    "make_card",
    "render_card",
    "speak",
]
