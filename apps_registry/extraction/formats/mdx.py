"""MDX: Markdown with components (https://mdxjs.com/docs/what-is-mdx); what they import and compute is left out."""

import re

from apps_registry.extraction.blocks import Reading
from apps_registry.extraction.formats.markdown import read_source
from apps_registry.extraction.formats.text import decode

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_MODULE = re.compile(r"^(?:import|export)\b")
_COMMENT = re.compile(r"\{/\*(.{0,2000}?)\*/\}")
_TAG = re.compile(
    r"(?<!`)(?P<code>`++)[^`]{1,1000}(?P=code)(?!`)"
    r"|</?(?P<name>[A-Z][\w.]*)(?P<attributes>(?:\s+[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|\{[^{}]*\}))?)*)\s*(?P<end>/?)>|</?>"
)
_SHOWN = re.compile(r"\b(?:title|label|heading|summary|description|caption|question)=(?:\"([^\"]*)\"|'([^']*)')")


def read(data: bytes) -> Reading:
    """Return the blocks with their line numbers."""
    reading = Reading()
    lines = decode(data, reading.losses).split("\n")
    return read_source("\n".join(_as_markdown(lines, reading)), reading)


def _as_markdown(lines: list[str], reading: Reading) -> list[str]:
    """Return the same number of lines, without modules, comments and tags; code is unchanged."""
    shown, fence, in_module = [], "", False
    for line in lines:
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        in_module = not fence and bool(line.strip()) and (in_module or _MODULE.match(line) is not None)
        shown.append("" if in_module else line if fence or mark else _without_tags(line, reading))
    return shown


def _without_tags(line: str, reading: Reading) -> str:
    for comment in _COMMENT.findall(line):
        reading.hide(comment)
    line = _COMMENT.sub("", line)

    def shown(tag: "re.Match[str]") -> str:
        if tag["code"]:
            return tag[0]
        texts = [double or single for double, single in _SHOWN.findall(tag["attributes"] or "")]
        if tag["end"] and not texts:  # its content comes from its own file
            reading.losses.add("includes", detail=f"<{tag['name']} />")
        return " ".join(texts)

    return _TAG.sub(shown, line)
