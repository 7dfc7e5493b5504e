"""Identifiers: error codes, file names, hosts, versions, part and account numbers, amounts, each written in many ways.

An identifier is indexed as all its parts and their combinations, without separators. So a part finds the whole, and one
spelling finds the others: `ERR-4013` becomes `4013` and `err4013`, and the plain word `err`.
"""

import re
from collections.abc import Iterator

MAX_ATOMS = 12  # of one identifier that get all combinations; a longer one gets pairs and triples
MAX_TOKEN_CHARS = 64
MIN_SQUEEZED_CHARS = 6
# C++ and C# with their signs; words joined by the separators of identifiers; words that contain a digit or an inner
# capital. No two repetitions that can match the same characters follow each other, so the time is linear even for a
# word of a megabyte.
COMPOUND = re.compile(
    r"(?<![^\W_])(?:[A-Za-z]{1,2}(?:\+\+|#)(?!\w)"
    r"|[^\W_]+(?:[._:/\\@\-\u2010\u2011]{1,3}[^\W_]+)+"
    r"|[^\W\d_]*\d[^\W_]*"
    r"|[^\W\d_]*?[a-z][A-Z][^\W_]*)"
)
_SEPARATORS = re.compile(r"[._:/\\@\-\u2010\u2011]+")
_ATOMS = re.compile(r"\d+|[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Numbers with separated thousands, with or without a fraction: 1.234,56 and 1,234.56 and 1 234,56 and 1'234.56.
_AMOUNT = re.compile(
    r"(?<![\w.,])\d{1,3}(?:(?P<group>[.,'\u2019 \u00a0\u202f])\d{2,3}(?:(?P=group)\d{2,3})*)(?:[.,]\d{1,2})?"
    r"(?![\w]|[.,]\d)"
    r"|(?<![\w.,])\d+[.,]\d{1,2}(?![\w]|[.,]\d)"
)
_FRACTION = re.compile(r"[.,](\d{1,2})\Z")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d(?:[ ()/.\-]{0,2}\d){6,19}(?!\w)")
_SPACED = re.compile(r"\b([A-Za-z]{1,6}) (\d{2,}[A-Za-z]?)\b")
_NOT_ALNUM = re.compile(r"[\W_]+")


def tokens(compound: str) -> list[str]:
    """Return the tokens of an identifier, the most specific first.

    Args:
        compound: a match of COMPOUND.
    """
    if compound.endswith(("+", "#")):
        return [compound.lower()]
    atoms, is_apart = _atoms(compound)
    sizes = range(len(atoms), 0, -1) if len(atoms) <= MAX_ATOMS else (len(atoms), 3, 2, 1)
    all_tokens = [
        _joined(atoms, is_apart, start, start + size)
        for size in sizes
        for start in range(len(atoms) - size + 1)
        if _is_a_part(atoms, is_apart, start, start + size)
    ]
    squeezed = "".join(atoms)
    if len(squeezed) >= MIN_SQUEEZED_CHARS:
        all_tokens.insert(1, squeezed)
    return [token for token in dict.fromkeys(all_tokens) if len(token) <= MAX_TOKEN_CHARS]


def is_identifier(compound: str) -> bool:
    """Tell whether a compound is more than words with hyphens: it has digits, or signs of file names and hosts."""
    return (
        any(map(str.isdigit, compound))
        or any(sign in compound for sign in "._:/\\@+#")
        or bool(_CAMEL.search(compound))
    )


def plain_words(compound: str) -> list[str]:
    """Return the words within an identifier that can be inflected: `get`, `user` and `getUser` itself."""
    words = [word for part in _SEPARATORS.split(compound) for word in _words_of(part)]
    return [word for word in words if not any(map(str.isdigit, word))]


def spaced(text: str) -> Iterator[str]:
    """Yield the tokens of numbers that are written in groups: amounts, account numbers, telephone numbers.

    Args:
        text: any text, folded.
    """
    for match in _AMOUNT.finditer(text):
        yield from _amount_tokens(match[0])
    for pattern in (_IBAN, _PHONE):
        for match in pattern.finditer(text):
            yield _NOT_ALNUM.sub("", match[0]).lower()


def adjoining(query: str) -> Iterator[str]:
    """Yield one token for letters and a number with a space between them: `err4013` for `ERR 4013`."""
    for match in _SPACED.finditer(query):
        yield (match[1] + match[2]).lower()


def _atoms(compound: str) -> tuple[list[str], list[bool]]:
    """Return runs of letters and of digits, and for each whether a separator precedes it."""
    atoms: list[str] = []
    is_apart: list[bool] = []
    for part in _SEPARATORS.split(compound):
        pieces = [atom.lower() for piece in _CAMEL.split(part) for atom in _ATOMS.findall(piece)]
        atoms += pieces
        is_apart += [number == 0 for number in range(len(pieces))]
    return atoms, is_apart


def _joined(atoms: list[str], is_apart: list[bool], start: int, end: int) -> str:
    """Join atoms; a point stays between numbers, so that version 2.5.0 is not the number 250."""
    token = atoms[start]
    for index in range(start + 1, end):
        both_numbers = is_apart[index] and token[-1].isdigit() and atoms[index].isdigit()
        token += f".{atoms[index]}" if both_numbers else atoms[index]
    return token


def _is_a_part(atoms: list[str], is_apart: list[bool], start: int, end: int) -> bool:
    """Tell whether people may write this run of atoms instead of the whole identifier.

    It begins at a separator or at a number, and ends at a separator or after a number. A single character identifies
    nothing, and single words are already among the plain words.
    """
    if end - start == len(atoms):
        return True
    begins = is_apart[start] or atoms[start].isdigit()
    ends = end == len(atoms) or is_apart[end] or atoms[end - 1].isdigit()
    return begins and ends and (end - start > 1 or (atoms[start].isdigit() and len(atoms[start]) > 1))


def _words_of(part: str) -> list[str]:
    words = [piece for piece in _CAMEL.split(part) if piece]
    letters = [atom for word in words for atom in _ATOMS.findall(word) if len(atom) > 1]
    return letters if len(words) == 1 else [*letters, part]


def _amount_tokens(written: str) -> Iterator[str]:
    """Yield a number in canonical form, also without a fraction of zeros; a lone last group may be a fraction."""
    fraction = _FRACTION.search(written)
    whole = _NOT_ALNUM.sub("", written[: fraction.start()] if fraction else written)
    if fraction:
        yield f"{whole}.{fraction[1]}"
    if not fraction or not fraction[1].strip("0"):
        yield whole
