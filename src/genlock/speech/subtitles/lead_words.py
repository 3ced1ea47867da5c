"""Little words that belong to what follows them, by language: tables for :mod:`genlock.speech.subtitles.breaks`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LEADING", "LEADING_ABBREVIATIONS", "OPENING"]

# Articles, prepositions, conjunctions, pronouns before their verb: no line ends with them.
_LEADING = {
    "en": """
        a an the and or but nor so yet of in on at to for from with by as if that than because while
        when where who which into onto over under after before about between through my your his her its
        our their this these those i you he she it we they is are was were be been not very no
    """,
    "de": """
        der die das den dem des ein eine einen einem einer und oder aber denn dass weil wenn als wie in
        im an am auf zu zum zur von vom mit bei für über unter nach vor aus um ich du er sie es wir ihr
        nicht sehr mein dein sein
    """,
    "fr": """
        le la les un une des du de d' l' et ou mais donc car ni que qui quand si dans en à au aux pour
        par avec sans sur sous chez je tu il elle on nous vous ils elles ne mon ton son ma ta sa mes tes
        ses ce cette ces
    """,
    "es": """
        el la los las un una unos unas y e o u pero que si cuando de del en a al por para con sin sobre
        entre yo tú él ella nosotros no mi tu su mis tus sus este esta estos estas
    """,
    "it": """
        il lo la i gli le un uno una e o ma che se quando di del della in a al da dal con per su tra fra
        io tu lui lei noi voi loro non mio tuo suo questo questa
    """,
    "pt": """
        o a os as um uma e ou mas que se quando de do da em no na por para com sem sobre eu tu ele ela
        nós não meu seu
    """,
    "nl": """
        de het een en of maar dat die als in op aan te voor van met bij door naar uit om ik jij hij zij
        wij niet mijn
    """,
}
# Those of them that open a clause or a phrase: a line may well begin with one.
_OPENING = {
    "en": """
        and or but so because while when where who which that if than of in on at to for from with by as
        into over under after before about between through
    """,
    "de": """
        und oder aber denn dass weil wenn als in an auf zu von mit bei für über unter nach vor aus um
    """,
    "fr": """
        et ou mais donc car que qui quand si dans en à pour par avec sans sur sous chez de
    """,
    "es": """
        y e o u pero que si cuando de en a por para con sin sobre entre
    """,
    "it": """
        e o ma che se quando di in a da con per su tra fra
    """,
    "pt": """
        e ou mas que se quando de em por para com sem sobre
    """,
    "nl": """
        en of maar dat die als in op aan te voor van met bij door naar uit om
    """,
}


def _sets(rows: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in rows.items()}


LEADING = _sets(_LEADING)
OPENING = _sets(_OPENING)
_LEADING_ABBREVIATIONS = """
    mr mrs ms dr prof st gen sgt capt lt col maj rev hon gov sen rep mt ft vs v fig vol approx p pp cf ca resp
    hr fr frl nr bzw vgl ggf abb m mm mme mlle sr sra srta d dna sig dott avv ing
"""
#: Abbreviations that something follows: no sentence ends with their point.
LEADING_ABBREVIATIONS = frozenset(_LEADING_ABBREVIATIONS.split())
