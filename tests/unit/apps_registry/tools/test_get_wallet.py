"""The caller's wallet."""

from typing import Any

import pytest

from apps_registry.builtin_tools.get_wallet import get_wallet
from apps_registry.tools.base import ToolContext, ToolError

ADDRESS = "0x742d35Cc6634C0532925a3b844Bc9e7595f2bD68"


@pytest.mark.parametrize(
    ("chain_id", "chain"),
    [
        (1, {"chain_id": 1, "chain_name": "Ethereum"}),
        (10, {"chain_id": 10, "chain_name": "OP Mainnet"}),
        (56, {"chain_id": 56, "chain_name": "BNB Smart Chain"}),
        (137, {"chain_id": 137, "chain_name": "Polygon"}),
        (8453, {"chain_id": 8453, "chain_name": "Base"}),
        (42161, {"chain_id": 42161, "chain_name": "Arbitrum One"}),
        (11155111, {"chain_id": 11155111, "chain_name": "Sepolia"}),
        (2**53 - 1, {"chain_id": 2**53 - 1, "chain_name": "unknown"}),
        (None, {}),
    ],
)
def test_a_bound_wallet(chain_id: int | None, chain: dict[str, Any]) -> None:
    result = get_wallet.call({}, ToolContext(wallet_address=ADDRESS, wallet_chain_id=chain_id))
    assert result == {"connected": True, "address": ADDRESS, "ownership_proven": False} | chain


def test_no_wallet() -> None:
    result = get_wallet.call({}, ToolContext(wallet_chain_id=1))
    assert result["connected"] is False
    assert "no wallet" in result["message"]


def test_a_model_cannot_ask_for_another_wallet() -> None:
    with pytest.raises(ToolError, match="no arguments"):
        get_wallet.call({"address": ADDRESS}, ToolContext())
    assert get_wallet.parameters["properties"] == {}
