"""YAML that is easy to read: it keeps the given order, writes long texts as blocks and reads back unchanged."""

from typing import Any

import yaml

from apps_registry.support.text.yaml_reader import PLAIN_RESOLVERS

_OTHER_BREAKS = frozenset("\r\x85\u2028\u2029")  # YAML reads these as line feeds unless they are escaped


class _Dumper(yaml.SafeDumper):
    """Quotes all text that YAML 1.1 or our reader would read as another type; writes no references."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their name, which is easier to read and gives better diffs."""
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes a block only where it can be read back, but gets texts wrong that begin with white space.
    is_block = "\n" in text and not text[0].isspace()
    style = '"' if _OTHER_BREAKS & set(text) else "|" if is_block else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
for _tag, _pattern, _firsts in PLAIN_RESOLVERS:
    _Dumper.add_implicit_resolver(_tag, _pattern, _firsts)


def dump(data: Any) -> str:
    """Return JSON data as YAML."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
