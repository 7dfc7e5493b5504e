"""Characters of Office's symbol fonts, which use their own codes instead of Unicode's."""

_SYMBOL = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "αβχδεφγηιϕκλμνοπθρστυϖωξψζΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ",
        strict=True,
    )
)
_SYMBOL_SIGNS = {0xA3: "≤", 0xA5: "∞", 0xAC: "←", 0xAE: "→", 0xB0: "°", 0xB1: "±", 0xB3: "≥", 0xB4: "\u00d7", 0xB6: "∂"}
_SYMBOL_SIGNS |= {0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈", 0xBC: "…", 0xC5: "⊕", 0xCE: "∈", 0xD1: "∇", 0xD6: "√"}
_SYMBOL_SIGNS |= {0xA0: "€", 0xAB: "↔", 0xDB: "⇔", 0xDE: "⇒", 0xE5: "∑", 0xF2: "∫", 0xD2: "®", 0xD3: "©", 0xD4: "™"}
_WINGDINGS = {0xFC: "✓", 0xFB: "✗", 0xFE: "☑", 0xFD: "☒", 0xA8: "☐", 0x6F: "☐", 0xA7: "▪", 0x6E: "■", 0x6C: "●"}
_WINGDINGS |= {0xE0: "→", 0xDF: "←", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xD8: "➢", 0x76: "❖", 0x71: "❑"}
_WINGDINGS |= {0x4A: "☺", 0x4C: "☹", 0x28: "☎", 0x2A: "✉", 0xAB: "★", 0xB6: "☆"}
_WINGDINGS_2 = {0x50: "✓", 0x4F: "✗", 0x52: "☑", 0x53: "☒", 0xA3: "☐", 0x51: "☒", 0x54: "☒", 0x97: "●"}
_TABLES = {"wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}
UNKNOWN_SYMBOL = "\ufffd"


def symbol(font: str, code: int) -> str:
    """Return the character that a font shows for a code; U+FFFD if the character is unknown.

    Args:
        font: its name, such as Wingdings.
        code: as in the file; Office adds 0xF000 to the codes of symbol fonts.
    """
    is_private = 0xF000 <= code <= 0xF0FF
    font_code = code - 0xF000 if is_private else code
    name = font.strip().lower()
    if name == "symbol":
        known = _SYMBOL_SIGNS.get(font_code) or _SYMBOL.get(chr(font_code))
        return known or (chr(font_code) if 0x20 <= font_code < 0x7F else UNKNOWN_SYMBOL)
    if name in _TABLES:
        return _TABLES[name].get(font_code, UNKNOWN_SYMBOL)
    return UNKNOWN_SYMBOL if is_private or not 0x20 <= code <= 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)
