"""The words that sentences are made of, by class, with their pronunciations.

The choice is ours: short and common words, and among them enough of the rare phones of English (ZH, OY, UH, TH,
CH, JH, NG). The pronunciations are those of the CMU Pronouncing Dictionary (Carnegie Mellon University,
BSD-2-Clause), with its stress.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["CLASSES", "LETTERS", "PRONUNCIATIONS"]

_LISTS = {
    "adjective": """
azure AE1 ZH ER0 | beige B EY1 ZH | boyish B OY1 IH0 SH | brave B R EY1 V | brown B R AW1 N | busy B IH1 Z IY0
cheap CH IY1 P | cheerful CH IH1 R F AH0 L | childish CH AY1 L D IH0 SH | clumsy K L AH1 M Z IY0 | cosy K OW1 Z IY0
curious K Y UH1 R IY0 AH0 S | dirty D ER1 T IY0 | early ER1 L IY0 | foolish F UW1 L IH0 SH | fresh F R EH1 SH
funny F AH1 N IY0 | gentle JH EH1 N T AH0 L | giant JH AY1 AH0 N T | good G UH1 D | happy HH AE1 P IY0
healthy HH EH1 L TH IY0 | honest AA1 N AH0 S T | huge HH Y UW1 JH | hungry HH AH1 NG G R IY0 | joyful JH OY1 F AH0 L
lazy L EY1 Z IY0 | loud L AW1 D | lovely L AH1 V L IY0 | loyal L OY1 AH0 L | noisy N OY1 Z IY0 | old OW1 L D
orange AO1 R AH0 N JH | pink P IH1 NG K | proud P R AW1 D | pure P Y UH1 R | purple P ER1 P AH0 L
quick K W IH1 K | rosy R OW1 Z IY0 | rough R AH1 F | shy SH AY1 | smooth S M UW1 DH | southern S AH1 DH ER0 N
strange S T R EY1 N JH | strong S T R AO1 NG | thick TH IH1 K | thin TH IH1 N | thirsty TH ER1 S T IY0
unusual AH0 N Y UW1 ZH UW0 AH0 L | warm W AO1 R M | wealthy W EH1 L TH IY0 | wooden W UH1 D AH0 N
worthy W ER1 DH IY0 | young Y AH1 NG | zealous Z EH1 L AH0 S
""",
    "noun": """
baby B EY1 B IY0 | badger B AE1 JH ER0 | bath B AE1 TH | beaver B IY1 V ER0 | book B UH1 K | boy B OY1
breath B R EH1 TH | bridge B R IH1 JH | brother B R AH1 DH ER0 | bush B UH1 SH | butcher B UH1 CH ER0
camera K AE1 M ER0 AH0
cheese CH IY1 Z | child CH AY1 L D | cloth K L AO1 TH | coin K OY1 N | cook K UH1 K | cousin K AH1 Z AH0 N
cushion K UH1 SH AH0 N | doctor D AA1 K T ER0 | engine EH1 N JH AH0 N | father F AA1 DH ER0 | feather F EH1 DH ER0
fish F IH1 SH | garage G ER0 AA1 ZH | giraffe JH ER0 AE1 F | girl G ER1 L | goose G UW1 S | hook HH UH1 K
house HH AW1 S | jacket JH AE1 K AH0 T | judge JH AH1 JH | king K IH1 NG | lake L EY1 K | leather L EH1 DH ER0
leisure L EH1 ZH ER0 | mirage M ER0 AA1 ZH | monkey M AH1 NG K IY0 | moth M AO1 TH | mother M AH1 DH ER0
mouse M AW1 S | neighbour N EY1 B ER0 | noise N OY1 Z | nurse N ER1 S | ocean OW1 SH AH0 N | oyster OY1 S T ER0
path P AE1 TH | pigeon P IH1 JH AH0 N | poison P OY1 Z AH0 N | pudding P UH1 D IH0 NG | puppy P AH1 P IY0
queen K W IY1 N | rabbit R AE1 B AH0 T | river R IH1 V ER0 | sheep SH IY1 P | shovel SH AH1 V AH0 L
singer S IH1 NG ER0 | spoon S P UW1 N | teacher T IY1 CH ER0 | thief TH IY1 F | thumb TH AH1 M | thunder TH AH1 N D ER0
tongue T AH1 NG | toy T OY1 | treasure T R EH1 ZH ER0 | uncle AH1 NG K AH0 L | vision V IH1 ZH AH0 N
voyage V OY1 IH0 JH | watch W AA1 CH | weather W EH1 DH ER0 | whale W EY1 L | wolf W UH1 L F | woman W UH1 M AH0 N
yacht Y AA1 T | youth Y UW1 TH | zebra Z IY1 B R AH0
""",
    "verb": """
asks AE1 S K S | avoids AH0 V OY1 D Z | bathes B EY1 DH Z | bothers B AA1 DH ER0 Z | brings B R IH1 NG Z
catches K AE1 CH AH0 Z | chases CH EY1 S AH0 Z | chews CH UW1 Z | destroys D IH0 S T R OY1 Z | enjoys EH0 N JH OY1 Z
finds F AY1 N D Z | follows F AA1 L OW0 Z | forgets F ER0 G EH1 T S | gathers G AE1 DH ER0 Z | gives G IH1 V Z
judges JH AH1 JH IH0 Z | keeps K IY1 P S | loves L AH1 V Z | makes M EY1 K S | measures M EH1 ZH ER0 Z
needs N IY1 D Z | paints P EY1 N T S | pulls P UH1 L Z | pushes P UH1 SH AH0 Z | reaches R IY1 CH AH0 Z
shows SH OW1 Z | sings S IH1 NG Z | smooths S M UW1 DH Z | soothes S UW1 DH Z | takes T EY1 K S | teaches T IY1 CH AH0 Z
thanks TH AE1 NG K S | throws TH R OW1 Z | touches T AH1 CH AH0 Z | treasures T R EH1 ZH ER0 Z | visits V IH1 Z IH0 T S
washes W AA1 SH IH0 Z | wants W AA1 N T S | watches W AA1 CH AH0 Z | wraps R AE1 P S
""",
    "place": """
above AH0 B AH1 V | along AH0 L AO1 NG | among AH0 M AH1 NG | behind B IH0 HH AY1 N D | beneath B IH0 N IY1 TH
beside B IH0 S AY1 D | beyond B IH0 AA1 N D | near N IH1 R | outside AW1 T S AY1 D | through TH R UW1
towards T AH0 W AO1 R D Z | under AH1 N D ER0 | without W IH0 DH AW1 T
""",
    "adverb": """
always AO1 L W EY2 Z | gently JH EH1 N T L IY0 | hardly HH AA1 R D L IY0 | often AO1 F AH0 N | quickly K W IH1 K L IY0
rather R AE1 DH ER0 | slowly S L OW1 L IY0 | together T AH0 G EH1 DH ER0 | tomorrow T AH0 M AA1 R OW2
usually Y UW1 ZH AH0 W AH0 L IY0 | yesterday Y EH1 S T ER0 D EY2
""",
    "the": "the DH AH0 | our AW1 ER0 | their DH EH1 R | this DH IH1 S | that DH AE1 T | your Y AO1 R | my M AY1",
    "and": "and AE0 N D | but B AH1 T | while W AY1 L | as AE1 Z | though DH OW1",
    # GRID's sentences (Cooke, Barker, Cunningham and Shao 2006).
    "command": "bin B IH1 N | lay L EY1 | place P L EY1 S | set S EH1 T",
    "colour": "blue B L UW1 | green G R IY1 N | red R EH1 D | white W AY1 T",
    "at": "at AE1 T | by B AY1 | in IH0 N | with W IH1 DH",
    "digit": "zero Z IH1 R OW0 | one W AH1 N | two T UW1 | three TH R IY1 | four F AO1 R | five F AY1 V | six S IH1 K S"
    " | seven S EH1 V AH0 N | eight EY1 T | nine N AY1 N",
    "when": "again AH0 G EH1 N | now N AW1 | please P L IY1 Z | soon S UW1 N",
}
#: Names of letters, for GRID's sentences; not of w, as there, and not of a, which is read as a word.
_LETTERS = """
b B IY1 | c S IY1 | d D IY1 | e IY1 | f EH1 F | g JH IY1 | h EY1 CH | i AY1 | j JH EY1 | k K EY1 | l EH1 L | m EH1 M
n EH1 N | o OW1 | p P IY1 | q K Y UW1 | r AA1 R | s EH1 S | t T IY1 | u Y UW1 | v V IY1 | x EH1 K S | y W AY1 | z Z IY1
"""


def _table(text: str) -> dict[str, tuple[str, ...]]:
    entries = [entry.split() for entry in re.split(r"[|\n]", text) if entry.strip()]
    return {word: tuple(phones) for word, *phones in entries}


_TABLES = {name: _table(text) for name, text in _LISTS.items()}
#: Words by class.
CLASSES: Mapping[str, tuple[str, ...]] = {name: tuple(table) for name, table in _TABLES.items()}
#: The name of each letter, by the letter.
LETTERS: Mapping[str, tuple[str, ...]] = _table(_LETTERS)
#: ARPABET with stress, by word.
PRONUNCIATIONS: Mapping[str, tuple[str, ...]] = {
    word: phones for table in _TABLES.values() for word, phones in table.items()
}
