"""YAML as OpenAPI means it: the JSON types of YAML 1.2, and no bombs."""

import re
from typing import Any

import yaml

MAX_NODES = 2_000_000  # with every alias written out; GitHub's whole API has 600,000
MAX_DEPTH = 200


class _Loader(yaml.CSafeLoader):
    """Knows `true` but not `yes`, `12:30` as text, and no dates: what YAML 1.2 and JSON agree on."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_JSON_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}
_PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    "merge": (r"<<", ["<"]),
}
# What unquoted text means, for who writes what is read here: tag, pattern, first characters.
PLAIN_RESOLVERS = [
    (f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), firsts) for kind, (pattern, firsts) in _PLAIN.items()
]
for _tag, _pattern, _firsts in PLAIN_RESOLVERS:
    _Loader.add_implicit_resolver(_tag, _pattern, _firsts)


def load_yaml(text: str, *, unique_keys: bool = False) -> Any:
    """Return the one document in a text of YAML.

    Args:
        text: the YAML.
        unique_keys: refuse a mapping that names a key twice; else the last one counts.

    Raises:
        ValueError: it is not YAML, has several documents, tags of its own, or grows too large or too deep when its
            aliases are written out; the message says so.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise ValueError("it is empty")
        _measure(node)
        if unique_keys:
            _refuse_twins(node)
        return _constructed(loader, node)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"it is not YAML{line}: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        raise ValueError(f"it is not YAML that can be read ({type(error).__name__})") from None
    finally:
        loader.dispose()


def _constructed(loader: "_Loader", node: yaml.Node) -> Any:
    try:
        return loader.construct_document(node)
    except ValueError:  # Python's, of the digits that it reads; tags and sizes were looked at before
        raise ValueError("it holds a number of too many digits") from None


def _measure(root: yaml.Node) -> None:
    """Refuse what would grow too large, too deep or without end; each shared node is measured once."""
    sizes: dict[int, tuple[int, int]] = {}
    waiting = [(root, False)]
    open_nodes: set[int] = set()
    while waiting:
        node, is_done = waiting.pop()
        children = _children(node)
        if is_done:
            open_nodes.discard(id(node))
            size = 1 + sum(sizes[id(child)][0] for child in children)
            depth = 1 + max((sizes[id(child)][1] for child in children), default=0)
            if size > MAX_NODES or depth > MAX_DEPTH:
                raise ValueError("its aliases or its nesting make it too large")
            sizes[id(node)] = (size, depth)
        elif id(node) in open_nodes:
            raise ValueError("one of its aliases contains itself")
        elif node.tag not in _JSON_TAGS:
            raise ValueError(f"it has a tag that JSON has no type for, {node.tag[:60]}")
        elif id(node) not in sizes:
            open_nodes.add(id(node))
            waiting.append((node, True))
            waiting.extend((child, False) for child in children if id(child) not in sizes)


def _refuse_twins(root: yaml.Node) -> None:
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in names:
                        raise ValueError(f"{key.value[:60]!r} stands twice, in line {key.start_mark.line + 1} again")
                    names.add(key.value)
        fresh = [child for child in _children(node) if id(child) not in seen]
        seen.update(map(id, fresh))
        waiting.extend(fresh)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
