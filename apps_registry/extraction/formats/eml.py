"""EML: a message with its headers and text; attachments are only named."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from apps_registry.extraction.blocks import Block, Outline, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats import html
from apps_registry.extraction.formats.mime import found_parts, mend_encoding, without_broken_headers
from apps_registry.extraction.formats.text import decode

HEADERS = ("From", "To", "Cc", "Date", "Subject")
_SHOWN = ("text/plain", "text/html")
_SAME_TEXT = {*_SHOWN, "text/x-amp-html", "text/enriched", "text/richtext", "text/rtf"}
_USUAL = ("From", "To", "Subject", "Date", "Received", "Message-ID", "MIME-Version")
MAX_LINE_CHARS = 80
MAX_DEPTH = 5  # nesting of messages within messages


def read(data: bytes) -> Reading:
    """Return the text of a message, and of the messages that it forwards."""
    data, broken = without_broken_headers(data)
    message = message_from_bytes(data, policy=policy.default)
    if not message.keys() or ((message.defects or broken) and not any(map(message.get, _USUAL))):
        raise UnreadableError("The file's name says e-mail, but its content is not a message.")
    reading = Reading()
    for line in broken:
        reading.losses.add("header_lines", detail=clean_line(line)[:MAX_LINE_CHARS])
    _read_message(message, (), reading, 0)
    return reading


def _read_message(message: EmailMessage, heading: tuple[str, ...], reading: Reading, depth: int) -> None:
    subject = clean_line(str(message.get("Subject", "")))
    reading.title = reading.title or subject
    heading = (*heading, subject) if subject else heading
    lines = [f"{name}: {clean_line(str(message[name]))}" for name in HEADERS if message.get(name)]
    reading.add(Block("\n".join(lines), heading))
    _read_part(message, heading, reading, depth)


def _read_part(part: EmailMessage, heading: tuple[str, ...], reading: Reading, depth: int) -> None:
    """Read what a mail program shows of a part, and count the rest as losses (RFC 2046, 5.1)."""
    kind, parts = part.get_content_type(), _parts_of(part)
    if part.get_content_maintype() == "multipart" and not parts:
        kind = "text/plain"  # no part of it can be found
    if kind == "multipart/alternative":
        shown = _preferred(parts)
        for other in parts:
            if other is shown:
                _read_part(other, heading, reading, depth)
            elif other.get_content_type() not in _SAME_TEXT and not other.is_multipart():
                _count(other, reading)
    elif kind == "message/rfc822" and parts and depth < MAX_DEPTH:
        _read_message(parts[0], heading, reading, depth + 1)
    elif kind.startswith("multipart/"):
        for inner in parts:
            _read_part(inner, heading, reading, depth)
    elif kind in _SHOWN and not part.is_attachment() and not part.get_filename():
        _read_body(part, heading, reading)
    else:
        _count(part, reading)


def _parts_of(part: EmailMessage) -> list[EmailMessage]:
    if part.get_content_maintype() == "multipart" and not part.is_multipart():
        return found_parts(part)
    payload = part.get_payload() if part.is_multipart() else []
    return [inner for inner in cast(list[object], payload) if isinstance(inner, EmailMessage)]


def _preferred(parts: list[EmailMessage]) -> EmailMessage | None:
    """Return the alternative that is read: plain text, otherwise HTML."""
    for kind in _SHOWN:
        for part in parts:
            if any(inner.get_content_type() == kind for inner in part.walk()):
                return part
    return None


def _count(part: EmailMessage, reading: Reading) -> None:
    reading.losses.add("attachments", detail=clean_line(part.get_filename() or part.get_content_type()))


def _read_body(body: EmailMessage, heading: tuple[str, ...], reading: Reading) -> None:
    text = _text(body, reading)
    if body.get_content_type() == "text/html":
        outline = Outline()
        for level, title in enumerate(heading, -len(heading)):
            outline.begin(level, title)
        inner = html.read_page(text, outline)
        reading.take_losses(inner)
        for block in inner.blocks:
            reading.add(block)
        return
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        reading.add(Block(paragraph.strip("\n"), heading))


def _text(body: EmailMessage, reading: Reading) -> str:
    is_undeclared, rest = mend_encoding(body)
    if is_undeclared:
        reading.losses.add("encoding", 1, "Base64")
    try:
        text = str(body.get_content())
    except (LookupError, UnicodeError):  # an unknown charset, or no text
        payload = body.get_payload(decode=True)
        text = decode(payload if isinstance(payload, bytes) else b"", reading.losses)
    return f"{text.rstrip()}\n\n{rest}" if rest else text
