"""Incorrect bodies of POST /api/chat as clients send them, and the response to each."""

from dataclasses import dataclass

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"


@dataclass
class Body:
    """A body, with the message that is stored, or the words of the refusal."""

    kind: str | None
    data: bytes
    message: str = ""
    refused: str = ""
    status: int = 400


def json(data: str | bytes, message: str = "", refused: str = "") -> Body:
    return Body(JSON, data if isinstance(data, bytes) else data.encode(), message, refused)


def state(user_state: str, message: str = "", refused: str = "") -> Body:
    """Return a body with a user_state."""
    return json('{"message":"hi","user_state":' + user_state + "}", message, refused)


WIDE = "{" + ",".join(f'"{number}":[]' for number in range(90_000)) + "}"

BODIES: dict[str, Body] = {
    "a list": json('[{"message":"hi"}]', refused="The body is not a JSON object."),
    "messages in place of one": json('{"messages":[{"role":"user","content":"hi"}]}', refused="message is missing"),
    "a message in parts": json('{"message":[{"type":"text","text":"hi"}]}', refused="message is not text."),
    "a name twice": json('{"message":"a","message":"b"}', "b"),
    "a line break in a string": json('{"message":"a\nb"}', refused="not valid JSON"),
    "half a pair": json('{"message":"a\\ud800b"}', refused="message is not valid UTF-8"),
    "UTF-16": Body(f"{JSON}; charset=utf-16", '{"message":"hi"}'.encode("utf-16"), refused="not valid JSON"),
    "two documents": json('{"message":"hi"}\n{"message":"ho"}', refused="not valid JSON"),
    "JSON as curl sends it": Body(FORM, b'{"message":"a=b"}', refused="its Content-Type says that it is a form"),
    "a form in parts": Body(
        PARTS,
        b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\nhi\r\n--x--\r\n',
        refused="an unsupported Content-Type",
        status=415,
    ),
    "no type": Body(None, b'{"message":"hi"}', refused="no Content-Type", status=415),
    "a form in Latin-1": Body(f"{FORM}; charset=iso-8859-1", b"message=h%e9", "hé"),
    "brackets in a message": json('{"message":"' + "[{," * 10_000 + '"}', "[{," * 10_000),
    "quotes in a message": json('{"message":"' + '\\"[' * 15_000 + '"}', '"[' * 15_000),
    "a state that is a list": state("[]", refused="user_state is not a JSON object"),
    "a state with a number of 5,000 digits": state('{"a":' + "9" * 5000 + "}", refused="not valid JSON"),
    "a state as wide as a body": state(WIDE, refused="more than 20,000 values"),
    "a state of many deep lists": state(
        '{"a":[' + ",".join(["[" * 190 + "]" * 190] * 2700) + "]}", refused="more than 20,000 values"
    ),
    "a state as deep as a body": state("[" * 500_000 + "]" * 500_000, refused="more than 200 levels deep"),
    "a state as deep as a body, of objects": state(
        '{"a":' * 170_000 + "1" + "}" * 170_000, refused="more than 200 levels deep"
    ),
    "a state of a deep text": state(
        '"' + '{\\"a\\":' * 5000 + "1" + "}" * 5000 + '"', refused="more than 20 levels deep"
    ),
}
