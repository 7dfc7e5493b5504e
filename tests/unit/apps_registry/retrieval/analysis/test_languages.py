"""The language of a text, detected from a sentence or two."""

import pytest

from apps_registry.retrieval.analysis.languages import configuration, language_of

KNOWN = frozenset({"simple", "english", "german"})
SENTENCES = {
    "english": "The ferry to Samos leaves at noon, and you can buy tickets on board.",
    "german": "Die Fähre nach Samos fährt um zwölf Uhr, und Karten gibt es an Bord.",
    "dutch": "De veerboot naar Samos vertrekt om twaalf uur en kaartjes zijn aan boord te koop.",
    "danish": "Færgen til Samos sejler klokken tolv, og man kan købe billetter, hvis der er plads.",
    "swedish": "Färjan till Samos går klockan tolv och biljetter kan köpas ombord när det finns plats.",
    "french": "Le ferry pour Samos part à midi et les billets sont en vente dans le port.",
    "italian": "Il traghetto per Samos parte a mezzogiorno e i biglietti si comprano nella stazione del porto.",
    "spanish": "El ferry para Samos sale a mediodía y los billetes se compran en la oficina del puerto.",
    "portuguese": "O barco para Samos sai ao meio-dia e os bilhetes não são vendidos no porto.",
    "polish": "Prom na Samos odpływa w południe, a bilety są do kupienia na pokładzie oraz przez internet.",
    "turkish": "Samos feribotu öğlen kalkar ve biletler gemide de satılır, ancak bu daha pahalı olur.",
    "finnish": "Laiva lähtee keskipäivällä, ja liput voi ostaa myös laivalta, jos niitä on jäljellä.",
    "russian": "Паром на Самос отходит в полдень, и билеты можно купить на борту.",
    "ukrainian": "Пором на Самос відходить опівдні, і квитки можна купити на борту.",
    "arabic": "تغادر العبارة إلى الجزيرة ظهراً ويمكن شراء التذاكر في المرفأ",
    "persian": "کشتی به جزیره ظهر حرکت می کند و بلیت را می توان در بندر گرفت",
    "hindi": "नाव दोपहर को जाती है और टिकट नाव पर मिलते हैं",
    "greek": "Το πλοίο για τη Σάμο φεύγει το μεσημέρι",
    "chinese": "开往萨摩斯岛的渡轮中午出发",
    "japanese": "サモス島行きのフェリーは正午に出発します",
    "korean": "사모스행 페리는 정오에 출발합니다",
    "thai": "เรือไปเกาะซามอสออกตอนเที่ยง",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_determines_its_language(language: str) -> None:
    assert language_of(SENTENCES[language]) == language


def test_the_configuration_is_one_that_postgresql_has() -> None:
    assert configuration(SENTENCES["german"], KNOWN) == "german"
    for language in ("polish", "chinese", "thai", "persian", "ukrainian"):
        assert configuration(SENTENCES[language], KNOWN) == "simple"
    assert configuration("AX-7731 4711", KNOWN) == "english"  # no evidence
    assert configuration("", KNOWN) == "english"


def test_identifiers_and_terms_do_not_hide_the_language() -> None:
    assert language_of("Der Router AX-7731 ist mit dem VPN verbunden. Firmware update available.") == "german"
    assert language_of("请在 server.yaml 中设置 VPN") == "chinese"
