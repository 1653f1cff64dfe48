// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {CumulativeLedger} from "./CumulativeLedger.sol";

/// @title A token that is minted by verified contributions and in no other way
/// @notice A unit of the policy is the token's smallest unit. The token and the ledger are one contract, which saves a
/// claim the call to another. Nothing else mints and nothing burns, so that the supply is what was paid; whoever adds
/// either keeps a count of what was paid, as PrefundedDistributor does.
contract CumulativeMinter is CumulativeLedger, ERC20 {
    constructor(
        string memory name,
        string memory symbol,
        bytes32 pool,
        bytes32 policy,
        uint128 cap,
        uint64 growth,
        uint64 vetoWindow,
        address vetoGuardian,
        address owner
    ) CumulativeLedger(pool, policy, cap, growth, vetoWindow, vetoGuardian, owner) ERC20(name, symbol) {}

    function _pay(address account, uint128 amount) internal override returns (uint256) {
        _mint(account, amount);
        return totalSupply();
    }

    function _paid() internal view override returns (uint256) {
        return totalSupply();
    }
}
