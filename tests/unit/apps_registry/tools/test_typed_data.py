"""Typed data is checked against its own types; the first example is from EIP-712."""

from copy import deepcopy
from typing import Any

import pytest

from apps_registry.builtin_tools.typed_data import InvalidTypedData, check_typed_data

COW, BOB = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826", "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"
MAIL: dict[str, Any] = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person"},
            {"name": "contents", "type": "string"},
        ],
    },
    "primaryType": "Mail",
    "domain": {
        "name": "Ether Mail",
        "version": "1",
        "chainId": 1,
        "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
    },
    "message": {
        "from": {"name": "Cow", "wallet": COW},
        "to": {"name": "Bob", "wallet": BOB},
        "contents": "Hello, Bob!",
    },
}


def test_the_example_of_the_standard_is_signed_as_it_is() -> None:
    assert check_typed_data(deepcopy(MAIL)) == MAIL
    without = deepcopy(MAIL)
    del without["types"]["EIP712Domain"]
    assert check_typed_data(without) == MAIL


def of(type_: str, value: Any) -> dict[str, Any]:
    """Return typed data with one field."""
    return {
        "types": {"A": [{"name": "x", "type": type_}], "B": [{"name": "y", "type": "uint8"}]},
        "primaryType": "A",
        "domain": {"name": "x"},
        "message": {"x": value},
    }


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("uint8", 255),
        ("int8", "-128"),
        ("uint256", str(2**256 - 1)),
        ("bool", False),
        ("bytes4", "0xdeadBEEF"),
        ("bytes", "0x"),
        ("address[2]", [COW, BOB.lower()]),
        ("B[][]", [[{"y": 1}], []]),
    ],
)
def test_values_that_fit(type_: str, value: Any) -> None:
    assert check_typed_data(of(type_, value))["message"] == {"x": value}


@pytest.mark.parametrize(
    ("type_", "value", "problem"),
    [
        ("uint8", 256, "range of uint8"),
        ("int8", "128", "range of int8"),
        ("uint8", -1, "range of uint8"),
        ("uint256", 2**60, "as a text"),
        ("uint256", 1.0, "as a text"),
        ("uint256", True, "as a text"),
        ("uint7", 1, "does not know"),
        ("uint", 1, "does not know"),
        ("bytes33", "0x", "does not know"),
        ("bytes4", "0xdead", "8 hexadecimal digits"),
        ("bytes", "0xabc", "pairs"),
        ("address", COW.replace("CD2a", "cD2a"), "checksum"),
        ("string", 1, "a text"),
        ("address[2]", [COW], "a list"),
        ("B", {"y": 1, "z": 2}, "exactly the fields of B"),
        ("B", {}, "exactly the fields of B"),
        ("C", {}, "does not know"),
    ],
)
def test_values_that_do_not_fit_are_named(type_: str, value: Any, problem: str) -> None:
    with pytest.raises(InvalidTypedData, match=problem) as refused:
        check_typed_data(of(type_, value))
    assert "message.x" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"primaryType": "Letter"}, "primaryType"),
        ({"primaryType": "EIP712Domain"}, "primaryType"),
        ({"domain": {}}, "domain"),
        ({"domain": {"name": "x", "chain": 1}}, "domain"),
        ({"domain": {"name": "x"}}, "types.EIP712Domain"),
        ({"types": {}}, "types"),
        ({"types": {"Mail": {}}}, "list of fields"),
        ({"types": {"Mail": [{"name": "x"}]}}, "a name and a type"),
        ({"types": {"Mail": [{"name": "x y", "type": "string"}]}}, "no valid name"),
        ({"types": {"Mail": [{"name": "x", "type": "string"}] * 2}}, "same name"),
        ({"message": {}}, "exactly the fields of Mail"),
        ({"more": 1}, "exactly types"),
    ],
)
def test_malformed_data_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidTypedData, match=problem):
        check_typed_data({**deepcopy(MAIL), **change})


def test_types_that_contain_themselves_end() -> None:
    data = of("A", None)
    value: dict[str, Any] = {}
    for _ in range(30):
        value = {"x": value}
    data["message"] = value
    with pytest.raises(InvalidTypedData, match="nested more than"):
        check_typed_data(data)
