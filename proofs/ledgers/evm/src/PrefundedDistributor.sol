// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CumulativeLedger} from "./CumulativeLedger.sol";

/// @title Pays out of its own balance of a token that exists already
/// @notice Whoever funds it sends tokens to this contract; there is no way to take them back. While it is short, claims
/// revert and lose nothing. A unit of the policy is the token's smallest unit.
contract PrefundedDistributor is CumulativeLedger {
    IERC20 public immutable token;

    /// What was paid to all accounts since the beginning, in units.
    uint256 public paid;

    constructor(
        IERC20 payIn,
        bytes32 pool,
        bytes32 policy,
        uint128 cap,
        uint64 growth,
        uint64 vetoWindow,
        address vetoGuardian,
        address owner
    ) CumulativeLedger(pool, policy, cap, growth, vetoWindow, vetoGuardian, owner) {
        token = payIn;
    }

    function _pay(address account, uint128 amount) internal override returns (uint256 sum) {
        sum = paid + amount;
        paid = sum;
        SafeERC20.safeTransfer(token, account, amount);
    }

    function _paid() internal view override returns (uint256) {
        return paid;
    }
}
