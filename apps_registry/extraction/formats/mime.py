"""What programs write into messages against the rules of MIME (RFC 5322, RFC 2045), read as mail programs read it."""

import binascii
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

_HEADER = re.compile(rb"[!-9;-~]+:")
_SPACED_HEADER = re.compile(rb"([!-9;-~]+)[ \t]+:")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ENCODINGS = {"base64": "base64", "quotedprintable": "quoted-printable"}
_IDENTITY = ("", "7bit", "8bit", "binary")
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}")
# A line of Base64 has at most 76 characters (RFC 2045, 6.8). Words of that length are rare; a text of them is Base64.
_MIN_BASE64_LINE, _MAX_BASE64_LINE = 60, 76
_BOUNDARY = re.compile(r"^--(\S[^\r\n]{0,199}?)[ \t]*\r?\n(?=content-[a-z-]+:)", re.IGNORECASE | re.MULTILINE)


def without_broken_headers(data: bytes) -> tuple[bytes, list[str]]:
    """Return a message without the malformed lines among its headers, and those lines.

    A malformed line otherwise ends the headers. One without a header after it is the text of a message that lacks the
    empty line before it, and stays.
    """
    head, separator, body = _split(data)
    lines, kept, broken = _LINE_END.split(head), list[bytes](), list[str]()
    for number, line in enumerate(lines):
        mended = _SPACED_HEADER.sub(rb"\1:", line, count=1) if _SPACED_HEADER.match(line) else line
        following = lines[number + 1] if number + 1 < len(lines) else b""
        is_first_line_of_mailbox = number == 0 and line.startswith(b"From ")
        if _HEADER.match(mended) or (line[:1] in b" \t" and line) or is_first_line_of_mailbox:
            kept.append(mended)
        elif _HEADER.match(following) or _SPACED_HEADER.match(following):
            broken.append(line.decode("utf-8", "replace"))
        else:
            return b"\n".join([*kept, *lines[number:]]) + separator + body, broken
    return b"\n".join(kept) + separator + body, broken


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    empty = re.search(rb"\r\n\r\n|\n\r?\n|\r\r", data)
    return (data[: empty.start()], b"\n\n", data[empty.end() :]) if empty else (data, b"", b"")


def found_parts(part: EmailMessage) -> list[EmailMessage]:
    """Return the parts of a multipart with another boundary than declared; empty if there are none."""
    payload = part.get_payload()
    if not isinstance(payload, str) or not (boundary := _BOUNDARY.search(payload)):
        return []
    head = f'Content-Type: {part.get_content_type()}; boundary="{boundary[1]}"\n\n'
    source = (head + payload).encode("utf-8", "surrogateescape")
    again = message_from_bytes(source, policy=policy.default)
    inner = again.get_payload() if again.is_multipart() else []
    return [one for one in inner if isinstance(one, EmailMessage)] if isinstance(inner, list) else []


def mend_encoding(part: EmailMessage) -> tuple[bool, str]:
    """Correct the transfer encoding of a text.

    Returns:
        Whether it is Base64 that is not declared; and the plain text that another program added after Base64.
    """
    declared = re.sub(r"\(.*?\)|[^a-z0-9]", "", str(part.get("Content-Transfer-Encoding", "")).lower())
    payload = part.get_payload()
    if not isinstance(payload, str):
        return False, ""
    is_undeclared = declared in _IDENTITY and _is_base64(payload)
    encoding = "base64" if is_undeclared else _ENCODINGS.get(declared, "")
    if not encoding:
        return False, ""
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = encoding
    if encoding != "base64":
        return False, ""
    encoded, rest = _parted(payload)
    encoded = "".join(encoded.split())
    part.set_payload(encoded[: len(encoded) - (len(encoded) % 4 == 1)])  # a single last character is the rest of a byte
    return is_undeclared, rest


def _is_base64(payload: str) -> bool:
    """Tell whether a text without a declaration is Base64 of readable text."""
    lines = payload.split()
    if not lines or len(lines) != len(payload.strip().splitlines()):
        return False
    length = len(lines[0])
    if not _MIN_BASE64_LINE <= length <= _MAX_BASE64_LINE or any(len(line) != length for line in lines[:-1]):
        return False
    if len(lines[-1]) > length or not all(map(_BASE64_LINE.fullmatch, lines)):
        return False
    try:
        content = binascii.a2b_base64("".join(lines), strict_mode=True)
    except binascii.Error:
        return False
    return not any(byte < 0x20 and byte not in b"\t\n\r" for byte in content)


def _parted(payload: str) -> tuple[str, str]:
    """Return the lines of Base64, and the text after them."""
    lines = payload.splitlines()
    for number, line in enumerate(lines):
        if line.strip() and not _BASE64_LINE.fullmatch(line.strip()):
            return "\n".join(lines[:number]), "\n".join(lines[number:]).strip()
        if line.rstrip().endswith("="):
            return "\n".join(lines[: number + 1]), "\n".join(lines[number + 1 :]).strip()
    return payload, ""
