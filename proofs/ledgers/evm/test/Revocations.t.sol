// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {CumulativeLedger} from "../src/CumulativeLedger.sol";
import {EpochVerifier} from "../src/EpochVerifier.sol";
import {Harness} from "./Harness.sol";

/// What pays after several roots were taken back.
contract RevocationsTest is Harness {
    address private constant ANN = address(0xa11);
    bytes32 private constant DETAIL = keccak256("detail");

    /// Root n says n * 100 for ann.
    function treeOf(uint256 n) private pure returns (bytes32[][] memory) {
        bytes32[] memory nodes = new bytes32[](2);
        nodes[0] = leafHash(ANN, uint128(n * 100), DETAIL);
        nodes[1] = leafHash(address(0xb0b), 1, DETAIL);
        return tree(nodes);
    }

    function bodyOf(uint256 n) private view returns (bytes memory) {
        return abi.encode(rootOf(minter, uint64(n), treeOf(n)[1][0], uint128(n * 100 + 1)));
    }

    function goThrough(uint256 count) private {
        for (uint256 n = 1; n <= count; n++) activate(minter, uint64(n), treeOf(n)[1][0], uint128(n * 100 + 1));
    }

    function isActive(uint256 n) private view {
        (bytes32 root, uint128 total, uint64 epoch) = minter.active();
        assertEq(epoch, n, "active epoch");
        assertEq(total, n == 0 ? 0 : n * 100 + 1, "active total");
        assertTrue(root == (n == 0 ? bytes32(0) : treeOf(n)[1][0]), "active root");
    }

    function test_TwoRootsFallAndTheThirdFromTheTopPays() public {
        goThrough(4);
        takeBack(minter, bodyOf(4));
        isActive(3);
        takeBack(minter, bodyOf(3));
        isActive(2);
        minter.claim(ANN, 200, DETAIL, pathOf(treeOf(2), 0));
        takeBack(minter, bodyOf(2));
        takeBack(minter, bodyOf(1));
        isActive(0);
        assertTrue(minter.below() == 0, "something is left below");
        activate(minter, 1, keccak256("good"), 311);
    }

    function test_RootsThatWereTakenBackBeforeArePassedOver() public {
        goThrough(5);
        takeBack(minter, bodyOf(3));
        takeBack(minter, bodyOf(4));
        takeBack(minter, bodyOf(1));
        isActive(5);
        takeBack(minter, bodyOf(5));
        isActive(2);
        activate(minter, 3, keccak256("good"), 311);
        takeBack(minter, abi.encode(rootOf(minter, 3, keccak256("good"), 311)));
        isActive(2);
        takeBack(minter, bodyOf(2));
        isActive(0);
    }

    /// The links decide nothing: whoever brings others, or too few, changes nothing.
    function test_AHistoryThatIsNotTheContractsIsRefused() public {
        goThrough(3);
        takeBack(minter, bodyOf(2));
        (bytes memory body, EpochVerifier.Signature[] memory s) = revocationOf(minter, bodyOf(3), 1);
        bytes memory root = bodyOf(3);
        CumulativeLedger.Link[] memory good = historyOf(minter);
        assertEq(good.length, 2, "links");
        CumulativeLedger.Link[] memory bad = new CumulativeLedger.Link[](0);
        refusedHistory(root, body, s, bad);
        bad = new CumulativeLedger.Link[](1);
        bad[0] = good[0];
        refusedHistory(root, body, s, bad); // its only link was taken back
        bad[0] = good[1];
        refusedHistory(root, body, s, bad);
        for (uint256 i = 0; i < 4; i++) {
            bad = historyOf(minter);
            if (i == 0) bad[1].root ^= bytes32(uint256(1));
            if (i == 1) bad[1].total++;
            if (i == 2) bad[1].epoch++;
            if (i == 3) bad[1].below = keccak256("more");
            refusedHistory(root, body, s, bad);
        }
        isActive(3);
        minter.revoke(root, body, s, good);
        isActive(1);
        minter.revoke(root, body, s, new CumulativeLedger.Link[](0)); // again: it is not active, nothing is read
        isActive(1);
    }

    function refusedHistory(
        bytes memory root,
        bytes memory body,
        EpochVerifier.Signature[] memory s,
        CumulativeLedger.Link[] memory history
    ) private {
        vm.expectRevert(CumulativeLedger.WrongHistory.selector);
        minter.revoke(root, body, s, history);
    }

    /// Whatever is taken back in whatever order, the last root that was not is active.
    function testFuzz_TheLastGoodRootIsActive(uint256 seed) public {
        uint256 count = 1 + (seed % 7);
        goThrough(count);
        uint256 gone;
        for (uint256 i = 0; i < 5; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 n = 1 + (seed % count);
            takeBack(minter, bodyOf(n));
            gone |= 1 << n;
            uint256 last = count;
            while (last > 0 && gone & (1 << last) != 0) last--;
            isActive(last);
        }
    }
}
