from __future__ import annotations

import pytest

from genlock.core.errors import OptionError, TranscriptError
from genlock.speech.text_encoding import decode_text

LINES = [
    ("cp1251", "Президент сказал, что город получит новую больницу."),
    ("koi8-r", "Президент сказал, что город получит новую больницу."),
    ("cp1250", "Zażółć gęślą jaźń, proszę."),
    ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
    ("cp1250", "Árvíztűrő tükörfúrógép"),
    ("iso8859-2", "Dzień dobry, proszę państwa. Żółta łódź"),
    ("cp1252", "Café crème, s’il vous plaît — merci."),
    ("cp1252", "Où est le garçon? À l'école."),
    ("cp1252", "Il perché è là"),
    ("cp1252", "na\u00efve caf\u00e9"),
    ("cp1252", "Grüße aus München"),
    ("cp1252", "Año nuevo, ¿qué tal?"),
    ("cp1252", "Rødgrød med fløde på"),
    ("cp1253", "Καλημέρα σας, τι κάνετε σήμερα;"),
    ("cp1254", "Günaydın, nasılsınız? Şimdi İstanbul'dayım."),
    ("cp1255", "שלום עולם, מה שלומך היום"),
    ("cp1256", "مرحبا بالعالم كيف حالك"),
    ("shift_jis", "こんにちは、世界。"),
    ("gbk", "你好，世界。"),
    ("big5", "你好，世界。今天天氣很好"),
    ("euc-kr", "안녕하세요, 세계. 오늘은"),
    ("cp874", "สวัสดีครับ วันนี้อากาศดี"),
]


@pytest.mark.parametrize(("encoding", "line"), LINES)
def test_one_cue_is_read_in_the_encoding_that_it_was_written_in(encoding: str, line: str) -> None:
    cue = f"1\r\n00:00:01,000 --> 00:00:04,000\r\n{line}\r\n"
    found = decode_text(cue.encode(encoding), "a.srt")
    assert line in found.text
    assert found.guessed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_known_and_not_guessed(encoding: str) -> None:
    text = "Grüße, ask what you can do for your country"
    found = decode_text(text.encode(encoding), "a.txt")
    assert (found.text, found.guessed) == (text, False)


def test_the_encoding_can_be_told() -> None:
    data = "na\u00efve".encode("cp437")
    assert decode_text(data, "a.txt", "cp437").text == "na\u00efve"
    with pytest.raises(OptionError, match="no encoding 'klingon'"):
        decode_text(data, "a.txt", "klingon")
    with pytest.raises(TranscriptError, match=r"a\.txt is not in utf-8"):
        decode_text(data, "a.txt", "utf-8")
