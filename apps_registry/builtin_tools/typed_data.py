"""Checks the form of typed data that a wallet is asked to sign: EIP-712, https://eips.ethereum.org/EIPS/eip-712."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps_registry.support.wallet_addresses import is_mistyped

MAX_CHARS = 32_000
MAX_DEPTH = 12
MAX_TYPES = 100
DOMAIN = "EIP712Domain"
# The fields of a domain, in the order of the standard, with their types.
DOMAIN_FIELDS = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}
# Every JavaScript client represents integers up to here exactly; larger ones must be texts.
SAFE_INTEGER = 2**53 - 1
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,99}", re.ASCII)
_ARRAY = re.compile(r"(.+)\[(\d{0,4})\]", re.ASCII)
_INTEGER = re.compile(r"(u?)int(\d{1,3})", re.ASCII)
_BYTES = re.compile(r"bytes(\d{1,2})", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,78}", re.ASCII)

Structs = Mapping[str, Sequence[Mapping[str, str]]]


class InvalidTypedData(ValueError):
    """The data cannot be signed; the exception's text says what is wrong."""


def check_typed_data(data: Any) -> dict[str, Any]:
    """Return typed data in the form that wallets take, with the type of its domain.

    Raises:
        InvalidTypedData: it is not typed data of EIP-712, or a value does not fit its type.
    """
    if not isinstance(data, dict) or data.keys() != {"types", "primaryType", "domain", "message"}:
        raise InvalidTypedData("typed_data must have exactly types, primaryType, domain and message")
    domain = data["domain"]
    if not isinstance(domain, dict) or not domain or domain.keys() - DOMAIN_FIELDS.keys():
        raise InvalidTypedData(f"domain must be an object with some of {', '.join(DOMAIN_FIELDS)}")
    domain_type = [{"name": name, "type": type_} for name, type_ in DOMAIN_FIELDS.items() if name in domain]
    types = {DOMAIN: domain_type, **_structs(data["types"])}
    if types[DOMAIN] != domain_type:
        raise InvalidTypedData(f"types.{DOMAIN} must list the fields of the domain, in the order of the standard")
    primary = data["primaryType"]
    if not isinstance(primary, str) or primary not in types or primary == DOMAIN:
        raise InvalidTypedData("primaryType must name one of types")
    _check(domain, DOMAIN, types, "domain", 0)
    _check(data["message"], primary, types, "message", 0)
    return {"types": types, "primaryType": primary, "domain": domain, "message": data["message"]}


def check_address(value: Any, where: str) -> str:
    """Return an address.

    Raises:
        InvalidTypedData: it has not the form of one, or its checksum (EIP-55) is wrong.
    """
    if not isinstance(value, str) or not ADDRESS.fullmatch(value):
        raise InvalidTypedData(f"{where} must be an address: 0x and 40 hexadecimal digits")
    if is_mistyped(value):
        raise InvalidTypedData(f"{where} is mistyped: its upper and lower case contradict its checksum (EIP-55)")
    return value


def _structs(types: Any) -> Structs:
    if not isinstance(types, dict) or not types or len(types) > MAX_TYPES:
        raise InvalidTypedData(f"types must be an object with 1 to {MAX_TYPES} types")
    for name, fields in types.items():
        if not _NAME.fullmatch(name) or not isinstance(fields, list):
            raise InvalidTypedData("each of types must be a name with a list of fields")
        for field in fields:
            is_field = isinstance(field, dict) and field.keys() == {"name", "type"}
            if not is_field or not all(isinstance(part, str) for part in field.values()):
                raise InvalidTypedData(f"each field of types.{name} must have a name and a type, both texts")
            if not _NAME.fullmatch(field["name"]):
                raise InvalidTypedData(f"a field of types.{name} has no valid name")
        if len({field["name"] for field in fields}) != len(fields):
            raise InvalidTypedData(f"types.{name} has two fields of the same name")
    return types


def _check(value: Any, type_: str, types: Structs, where: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidTypedData(f"{where} is nested more than {MAX_DEPTH} levels deep")
    if array := _ARRAY.fullmatch(type_):
        size = int(array[2]) if array[2] else None
        if not isinstance(value, list) or (size is not None and len(value) != size):
            raise InvalidTypedData(f"{where} must be a list ({type_})")
        for index, item in enumerate(value):
            _check(item, array[1], types, f"{where}[{index}]", depth + 1)
    elif type_ in types:
        _check_struct(value, type_, types, where, depth)
    else:
        _check_atom(value, type_, where)


def _check_struct(value: Any, type_: str, types: Structs, where: str, depth: int) -> None:
    names = [field["name"] for field in types[type_]]
    if not isinstance(value, dict) or set(names) != value.keys():
        raise InvalidTypedData(f"{where} must have exactly the fields of {type_}: {', '.join(names)[:200]}")
    for field in types[type_]:
        _check(value[field["name"]], field["type"], types, f"{where}.{field['name']}", depth + 1)


def _check_atom(value: Any, type_: str, where: str) -> None:
    if type_ == "address":
        check_address(value, where)
    elif type_ == "bool":
        _require(isinstance(value, bool), where, "true or false")
    elif type_ == "string":
        _require(isinstance(value, str), where, "a text")
    elif type_ == "bytes":
        _require(isinstance(value, str) and bool(HEX.fullmatch(value)), where, "0x and pairs of hexadecimal digits")
    elif (fixed := _BYTES.fullmatch(type_)) and 1 <= int(fixed[1]) <= 32:
        has_size = isinstance(value, str) and bool(HEX.fullmatch(value)) and len(value) == 2 + 2 * int(fixed[1])
        _require(has_size, where, f"0x and {2 * int(fixed[1])} hexadecimal digits")
    elif (integer := _INTEGER.fullmatch(type_)) and int(integer[2]) % 8 == 0 and 8 <= int(integer[2]) <= 256:
        _check_integer(value, int(integer[2]), where, is_signed=not integer[1])
    else:
        raise InvalidTypedData(f"{where} has the type {type_[:60]!r}, which EIP-712 does not know")


def _check_integer(value: Any, bits: int, where: str, *, is_signed: bool) -> None:
    is_text = isinstance(value, str) and bool(_DECIMAL.fullmatch(value))
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= SAFE_INTEGER
    _require(is_text or is_number, where, "a whole number; one beyond 2^53 as a text")
    least = -(2 ** (bits - 1)) if is_signed else 0
    most = 2 ** (bits - is_signed) - 1
    _require(least <= int(value) <= most, where, f"in the range of {'int' if is_signed else 'uint'}{bits}")


def _require(condition: bool, where: str, form: str) -> None:
    if not condition:
        raise InvalidTypedData(f"{where} must be {form}")
