"""The words and tokens of texts and queries: those of a query that matter occur in the matching text."""

import pytest

from apps_registry.retrieval.analysis.text import analyse, analyse_query, to_tsvector


def shared(text: str, query: str) -> set[str]:
    of_text, of_query = analyse(text), analyse_query(query)
    return ({*of_text.tokens} & {*of_query.tokens}) | ({*of_text.words.split()} & {*of_query.words.split()})


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("客户须提前三十天通知", "提前三十天"),
        ("顧客の引っ越しの住所", "引っ越し"),
        ("猫が好きです", "猫"),
        ("ﾊﾟｽﾜｰﾄﾞを設定", "パスワード"),
        ("비밀번호를 재설정합니다", "비밀번호"),
        ("วิธีเปลี่ยนรหัสผ่านของคุณ", "รหัสผ่าน"),
        ("ປ່ຽນລະຫັດຜ່ານຂອງທ່ານ", "ລະຫັດຜ່ານ"),
        ("របៀបប្តូរពាក្យសម្ងាត់", "ពាក្យសម្ងាត់"),
    ],
)
def test_a_word_within_a_script_without_spaces_is_found(text: str, query: str) -> None:
    tokens = analyse_query(query).tokens
    assert tokens
    assert shared(text, query) == {*tokens}


def test_latin_words_within_another_script_stand_alone() -> None:
    assert analyse("请连接VPN后重试").words.split() == ["vpn"]
    assert analyse("ＶＰＮに接続").words.split() == ["vpn"]
    assert analyse("عبر VPN، الشهادة").words.split() == ["عبر", "vpn", "الشهادة"]


def test_arabic_articles_are_plain() -> None:
    assert analyse("والشهادة وبالشبكة للشبكة فالشبكة والد").words.split() == [
        *("الشهادة", "الشبكة", "الشبكة", "الشبكة", "والد"),
    ]


def test_punctuation_of_any_script_is_not_a_letter() -> None:
    assert analyse("“Refund” – ‘soon’ 5 €").words.split() == ["refund", "'soon'"]
    assert analyse("it’s don't").words == "it's don't"
    assert analyse("हिन्दी में").words.split() == ["हिन्दी", "में"]


@pytest.mark.parametrize(
    ("text", "query", "token"),
    [
        ("ERR-4013: the clock", "error 4013", "4013"),
        ("ERR-4013: the clock", "ERR 4013", "err4013"),
        ("ERR-4013: the clock", "err4013", "err4013"),
        ("config/server.yaml", "server.yaml", "serveryaml"),
        ("db1.example.com:5432", "db1.example.com", "db1examplecom"),
        ("db1.example.com", "db1.example.com:5432", "db1examplecom"),
        ("v2.5.0-rc1", "2.5.0", "2.5.0"),
        ("v2.5.0-rc1", "version 2.5", "2.5"),
        ("Node.js", "nodejs", "nodejs"),
        ("built with Node.js", "node", "node"),
        ("AX-7731-B", "7731-B", "7731b"),
        ("AX-7731-B", "7731", "7731"),
        ("TP-C320WS", "C320", "c320"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "de89370400440532013000"),
        ("GB29NWBK60161331926819", "GB29 NWBK 6016 1331 9268 19", "gb29nwbk60161331926819"),
        ("1.234,56 EUR", "1,234.56", "1234.56"),
        ("$12,500.00", "12.500,00", "12500.00"),
        ("2 480,00 CHF", "2480", "2480"),
        ("CHF 2'480.50", "2480.50", "2480.50"),
        ("(030) 765-4321", "0307654321", "0307654321"),
        ("CACHE_TTL_SECONDS", "cache ttl", "ttl"),
        ("getUserById", "getuserbyid", "getuserbyid"),
        ("00:1B:44:11:3A:B7", "001B.4411.3AB7", "001b44113ab7"),
        ("the plug-in is in C++", "c++", "c++"),
        ("Müller", "Mueller", "mueller"),
        ("Müller", "Muller", "muller"),
    ],
)
def test_an_identifier_is_found_in_other_spellings(text: str, query: str, token: str) -> None:
    asked = analyse_query(query)
    assert token in analyse(text).words.split() + analyse(text).tokens
    assert token in asked.words.split() + asked.tokens


def test_numbers_that_differ_stay_apart() -> None:
    assert "250" not in analyse("v2.5.0").tokens
    assert not {"4011", "4012"} & shared("ERR-4011 ERR-4012", "ERR-4013")
    assert not shared("2.5.1", "3.0.0")


def test_the_most_specific_token_of_an_identifier_comes_first() -> None:
    assert analyse_query("what is ERR-4013?").identifiers[0][0] == "err4013"
    assert analyse_query("a case-sensitive name").identifiers == []


def test_a_long_identifier_has_bounded_tokens() -> None:
    assert len(analyse("-".join(f"x{number}" for number in range(200))).tokens) < 2500
    assert all(len(token) <= 64 for token in analyse("/".join(["folder"] * 100)).tokens)


def test_tokens_are_quoted_as_a_tsvector() -> None:
    assert to_tsvector(["it's", "a\\b", "it's"], "B") == r"'it''s':1B,3B 'a\\b':2B"
    assert to_tsvector([]) == ""


@pytest.mark.parametrize("part", ["a", "aA", "a1", "a.", "1,", "(1", "-", "\u0301", "ال"])
def test_a_very_long_word_takes_linear_time(part: str) -> None:
    """With the square of the length, this test would run for minutes."""
    assert analyse(part * (200_000 // len(part))).tokens is not None
