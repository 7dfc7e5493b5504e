"""What customers asked and what the App answered."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user's message and its answer.

    Attributes:
        asked: the message.
        answered: the answer.
        tool: a tool that was called in between; empty: none.
        arguments: the arguments of the call.
        result: the tool's result.
    """

    asked: str
    answered: str
    tool: str = ""
    arguments: dict[str, Any] | None = None
    result: Any = None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation and its title."""

    app: str
    title: str
    exchanges: tuple[Exchange, ...]


def _order(number: str, **fields: Any) -> dict[str, Any]:
    return {"tool": "get_order", "arguments": {"number": number}, "result": {"number": number, **fields}}


WHERE = Dialogue(
    "support",
    "Where is order 10042?",
    (
        Exchange(
            "Where is my order 10042?",
            "It left our warehouse **yesterday** and arrives on Thursday. You can follow it with the tracking number "
            "`EX-4410-2207`.",
            **_order("10042", status="shipped", carrier="Parcel Express", tracking="EX-4410-2207", arrives="Thursday"),
        ),
        Exchange(
            "Can it come earlier?",
            "Not any more, it is already on its way. For a next order:\n\n| delivery | takes | costs |\n| --- | --- | "
            "--- |\n| standard | 2 to 4 working days | 4.90 |\n| express, before 14:00 | next working day | 9.90 |",
        ),
        Exchange("Thanks!", "You are welcome. Is there anything else that I can look up for you?"),
    ),
)

DIALOGUES = (
    WHERE,
    Dialogue(
        "support",
        "Return of a jacket, wrong size",
        (
            Exchange(
                "The jacket from order 10077 is too small. I want to return it.",
                "Your return label is ready: it is in your account under order 10077. The refund takes up to five "
                "working days after the parcel has arrived.",
                tool="create_return",
                arguments={"number": "10077", "reason": "size"},
                result={"label": "RT-10077", "valid_days": 30},
            ),
        ),
    ),
    Dialogue(
        "support",
        "Can gift cards be returned?",
        (Exchange("Can I return a gift card?", "No. Gift cards cannot be returned, but they do not expire either."),),
    ),
    Dialogue(
        "support",
        "¿Cuánto cuesta el envío exprés?",
        (
            Exchange(
                "¿Cuánto cuesta el envío exprés?",
                "El envío exprés cuesta 9,90. Si pide antes de las 14:00, llega el siguiente día laborable.",
            ),
        ),
    ),
    Dialogue(
        "support",
        "Order 10101 arrived damaged",
        (
            Exchange(
                "Order 10101 arrived with a broken handle.",
                "I am sorry about that. Would you like me to create a free return? You get the label immediately.",
                **_order("10101", status="delivered", items=["kettle, 1.7 l"]),
            ),
            Exchange(
                "Yes please.",
                "Done. Put the label **RT-10101** on the parcel and leave it at any parcel shop.",
                tool="create_return",
                arguments={"number": "10101", "reason": "damaged"},
                result={"label": "RT-10101", "valid_days": 30},
            ),
        ),
    ),
    Dialogue(
        "handbook",
        "Delivery times for a quote",
        (Exchange("What delivery time may I promise in a quote?", "Two to four working days; express is one day."),),
    ),
    Dialogue(
        "handbook",
        "Converting weights for a customer",
        (
            Exchange(
                "How many pounds are 12 kg?",
                "12 kg are about 26.46 lb.",
                tool="convert_units",
                arguments={"value": 12, "from_unit": "kg", "to_unit": "lb"},
                result={"result": 26.4555, "unit": "lb"},
            ),
        ),
    ),
    Dialogue(
        "support",
        "Πότε φτάνει η παραγγελία 10058;",
        (Exchange("Πότε φτάνει η παραγγελία 10058;", "Η παραγγελία 10058 φτάνει αύριο το πρωί."),),
    ),
)
