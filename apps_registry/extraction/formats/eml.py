"""EML: a message with its headers and text; attachments are named."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from apps_registry.extraction.blocks import Block, Outline, Reading, UnreadableError, clean_line
from apps_registry.extraction.formats import html
from apps_registry.extraction.formats.text import decode

HEADERS = ("From", "To", "Cc", "Date", "Subject")
MAX_DEPTH = 5  # nesting of messages within messages


def read(data: bytes) -> Reading:
    """Return the text of a message, and of the messages that it forwards."""
    message = message_from_bytes(data, policy=policy.default)
    if not message.keys() or (message.defects and not message.get("From")):
        raise UnreadableError("The file's name says e-mail, but its content is not a message.")
    reading = Reading()
    _read_message(message, (), reading, 0)
    return reading


def _read_message(message: EmailMessage, heading: tuple[str, ...], reading: Reading, depth: int) -> None:
    subject = clean_line(str(message.get("Subject", "")))
    reading.title = reading.title or subject
    heading = (*heading, subject) if subject else heading
    lines = [f"{name}: {clean_line(str(message[name]))}" for name in HEADERS if message.get(name)]
    reading.add(Block("\n".join(lines), heading))
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None:
        _read_body(cast(EmailMessage, body), heading, reading)
    for part in message.iter_attachments():
        inner = part.get_payload(0) if part.get_content_type() == "message/rfc822" and part.is_multipart() else None
        if isinstance(inner, EmailMessage) and depth < MAX_DEPTH:
            _read_message(inner, heading, reading, depth + 1)
        else:
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
    try:
        return str(body.get_content())
    except (LookupError, UnicodeError):  # an unknown charset
        payload = body.get_payload(decode=True)
        return decode(payload if isinstance(payload, bytes) else b"", reading.losses)
