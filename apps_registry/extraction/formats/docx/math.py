"""Equations of a DOCX as one line of text (Office Math, ECMA-376-1, 22.1)."""

from apps_registry.extraction.formats.docx.xml import Attributes

# Elements whose text is an argument of the element around them.
ARGUMENTS = {"num", "den", "e", "sup", "sub", "deg", "lim", "fName"}
STRUCTURES = {
    "f",
    "sSup",
    "sSub",
    "sSubSup",
    "sPre",
    "rad",
    "nary",
    "d",
    "func",
    "limLow",
    "limUpp",
    "m",
    "mr",
    "eqArr",
}


class Equation:
    """Collects an equation while its elements are read."""

    def __init__(self) -> None:
        self._texts: list[list[str]] = [[]]
        self._structures: list[tuple[dict[str, list[str]], dict[str, str]]] = []

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element of the equation; names have no prefix."""
        if name in STRUCTURES:
            self._structures.append(({}, {}))
        elif name in ARGUMENTS:
            self._texts.append([])
        elif self._structures and "val" in attributes:
            self._structures[-1][1].setdefault(name, attributes["val"])

    def add(self, text: str) -> None:
        self._texts[-1].append(text)

    def end(self, name: str) -> None:
        if name in STRUCTURES and self._structures:
            arguments, properties = self._structures.pop()
            self.add(_line(name, arguments, properties))
        elif name in ARGUMENTS and len(self._texts) > 1:
            text = "".join(self._texts.pop())
            if self._structures:
                self._structures[-1][0].setdefault(name, []).append(text)
            else:
                self.add(text)

    @property
    def line(self) -> str:
        """The equation, as far as it has been read."""
        return "".join("".join(texts) for texts in self._texts)


def _line(name: str, arguments: dict[str, list[str]], properties: dict[str, str]) -> str:
    def one(key: str) -> str:
        return "".join(arguments.get(key, ()))

    match name:
        case "f":
            return f"{_group(one('num'))}/{_group(one('den'))}"
        case "sSup" | "sSub" | "sSubSup":
            return one("e") + _scripts(one("sub"), one("sup"))
        case "sPre":
            return _scripts(one("sub"), one("sup")) + one("e")
        case "rad":
            return f"root({one('deg')}, {one('e')})" if one("deg") else f"√({one('e')})"
        case "nary":
            return f"{properties.get('chr', '∫')}{_scripts(one('sub'), one('sup'))} {one('e')}"
        case "d":
            between = properties.get("sepChr", "|").join(arguments.get("e", ()))
            return f"{properties.get('begChr', '(')}{between}{properties.get('endChr', ')')}"
        case "func":
            return f"{one('fName')} {one('e')}"
        case "limLow" | "limUpp":
            return f"{one('e')}{_scripts(one('lim'), '') if name == 'limLow' else _scripts('', one('lim'))}"
        case "mr":
            return ", ".join(arguments.get("e", ())) + "; "
        case "eqArr":
            return "; ".join(arguments.get("e", ()))
    return one("e")


def _scripts(below: str, above: str) -> str:
    return (f"_{_group(below)}" if below else "") + (f"^{_group(above)}" if above else "")


def _group(text: str) -> str:
    return text if len(text) <= 1 or text.isalnum() else f"({text})"
