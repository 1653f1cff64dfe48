// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {EpochVerifier} from "../src/EpochVerifier.sol";
import {CumulativeLedger} from "../src/CumulativeLedger.sol";
import {CumulativeMinter} from "../src/CumulativeMinter.sol";
import {PrefundedDistributor} from "../src/PrefundedDistributor.sol";
import {VoteToken} from "../src/VoteToken.sol";
import {Harness} from "./Harness.sol";

contract CumulativeLedgerTest is Harness {
    address internal constant ANN = address(0xa1);
    address internal constant BOB = address(0xb0);
    bytes32 internal constant DETAIL = keccak256("detail");

    /// A tree of four: ann's total, bob's, and two strangers'.
    function four(uint128 ann, uint128 bob) internal pure returns (bytes32[][] memory) {
        bytes32[] memory nodes = new bytes32[](4);
        nodes[0] = leafHash(ANN, ann, DETAIL);
        nodes[1] = leafHash(BOB, bob, DETAIL);
        nodes[2] = leafHash(address(0xc0), 5, DETAIL);
        nodes[3] = leafHash(address(0xd0), 6, DETAIL);
        return tree(nodes);
    }

    function rootHash(bytes32[][] memory t) internal pure returns (bytes32) {
        return t[t.length - 1][0];
    }

    function test_ALaterClaimPaysTheGrowth() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 311);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
        t = four(150, 200);
        activate(minter, 2, rootHash(t), 361);
        minter.claim(ANN, 150, DETAIL, pathOf(t, 0));
        minter.claim(BOB, 200, DETAIL, pathOf(t, 1));
        assertEq(minter.balanceOf(ANN), 150, "ann");
        assertEq(minter.balanceOf(BOB), 200, "bob");
        assertEq(minter.claimed(ANN), 150, "claimed");
    }

    function test_TheSameLeafPaysOnce() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 311);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
        vm.expectRevert(CumulativeLedger.NothingToClaim.selector);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
    }

    function test_OnlyAnActiveRootPays() public {
        bytes32[][] memory t = four(100, 200);
        post(minter, 1, rootHash(t), 311);
        vm.expectRevert(CumulativeLedger.BadPath.selector);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
        vm.expectRevert(abi.encodeWithSelector(CumulativeLedger.RootPending.selector, NOW + WINDOW));
        minter.finalize();
        vm.warp(NOW + WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(CumulativeLedger.RootPending.selector, NOW + WINDOW));
        minter.finalize();
        vm.warp(NOW + WINDOW);
        vm.prank(address(0x57a)); // anyone
        minter.finalize();
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
        vm.expectRevert(CumulativeLedger.NoRootPending.selector);
        minter.finalize();
    }

    function test_AChangedLeafOrPathIsRefused() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 311);
        bytes32[] memory path = pathOf(t, 0);
        badPath(BOB, 100, DETAIL, path);
        badPath(ANN, 101, DETAIL, path);
        badPath(ANN, 100, keccak256("another"), path);
        bytes32[] memory truncated = new bytes32[](1);
        truncated[0] = path[0];
        badPath(ANN, 100, DETAIL, truncated);
        badPath(ANN, 100, DETAIL, new bytes32[](0));
        bytes32[] memory extended = new bytes32[](3);
        (extended[0], extended[1]) = (path[0], path[1]);
        badPath(ANN, 100, DETAIL, extended);
        path[1] ^= bytes32(uint256(1));
        badPath(ANN, 100, DETAIL, path);
    }

    function badPath(address account, uint128 total, bytes32 detail, bytes32[] memory path) internal {
        vm.expectRevert(CumulativeLedger.BadPath.selector);
        minter.claim(account, total, detail, path);
    }

    function test_APendingRootIsNotOverwritten() public {
        bytes32[][] memory t = four(100, 200);
        post(minter, 1, rootHash(t), 311);
        vm.warp(NOW + WINDOW - 1);
        bytes memory body = abi.encode(rootOf(minter, 2, keccak256("next"), 400));
        EpochVerifier.Signature[] memory s = sign(body, 3, 4, 5);
        vm.expectRevert(abi.encodeWithSelector(CumulativeLedger.RootPending.selector, NOW + WINDOW));
        minter.postRoot(body, s);
        // Once its window is over, the next post makes it active first.
        vm.warp(NOW + WINDOW);
        minter.postRoot(body, s);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
        (,, uint64 epoch) = minter.active();
        assertEq(epoch, 1, "active epoch");
    }

    function test_AVetoComesBeforeTheWindowEndsAndByAGuardianOnly() public {
        post(minter, 1, keccak256("bad"), 311);
        vm.expectRevert(CumulativeLedger.NotGuardian.selector);
        minter.veto();
        vm.prank(GUARDIAN);
        minter.veto();
        vm.prank(GUARDIAN);
        vm.expectRevert(CumulativeLedger.NoRootPending.selector);
        minter.veto();
        vm.warp(NOW + WINDOW);
        vm.expectRevert(CumulativeLedger.NoRootPending.selector);
        minter.finalize();
        // It never comes again. The corrected root may have its epoch, and be lower.
        bytes memory body = abi.encode(rootOf(minter, 1, keccak256("bad"), 311));
        EpochVerifier.Signature[] memory s = sign(body, 3, 4, 5);
        vm.expectRevert(CumulativeLedger.Revoked.selector);
        minter.postRoot(body, s);
        post(minter, 1, keccak256("good"), 300);
        vm.warp(NOW + 2 * WINDOW);
        vm.prank(GUARDIAN);
        vm.expectRevert(CumulativeLedger.WindowOver.selector);
        minter.veto();
        vm.prank(OWNER);
        vm.expectRevert(CumulativeLedger.WindowOver.selector);
        minter.veto();
        minter.finalize();
    }

    function test_TheOwnerMayVeto() public {
        post(minter, 1, keccak256("bad"), 311);
        vm.prank(OWNER);
        minter.veto();
        (,,, uint64 readyAt) = minter.pending();
        assertEq(readyAt, 0, "pending");
    }

    function test_EpochsGrowAndTotalsNeverFall() public {
        activate(minter, 5, keccak256("five"), 500);
        refused(5, 500, CumulativeLedger.ReplayedEpoch.selector);
        refused(4, 600, CumulativeLedger.ReplayedEpoch.selector);
        refused(6, 499, CumulativeLedger.DecreasingTotal.selector);
        activate(minter, 6, keccak256("six"), 500); // an epoch that paid nobody
    }

    /// Whatever its epoch, a root leaves the ledger a next one.
    function testFuzz_TheEpochLeapsNoFurtherThanTheBound(uint64 last, uint64 growth, uint64 next) public {
        growth = uint64(1 + (growth % 1000));
        minter = new CumulativeMinter("Work", "WRK", POOL, POLICY, CAP, growth, WINDOW, GUARDIAN, OWNER);
        vm.prank(OWNER);
        minter.setSigners(1, keys, 3);
        last = uint64(1 + (last % growth));
        refused(type(uint64).max, 1, CumulativeLedger.EpochTooFar.selector);
        activate(minter, last, keccak256("last"), 1);
        next = uint64(last + 1 + (next % (2 * growth)));
        if (next - last > growth) refused(next, 1, CumulativeLedger.EpochTooFar.selector);
        else activate(minter, next, keccak256("next"), 1);
        refused(type(uint64).max, 1, CumulativeLedger.EpochTooFar.selector);
    }

    function test_ARevokedRootPaysNoMoreAndTheOneBeforeItDoes() public {
        bytes32[][] memory one = four(100, 200);
        bytes32[][] memory bad = four(900, 200);
        activate(minter, 1, rootHash(one), 311);
        minter.claim(BOB, 200, DETAIL, pathOf(one, 1));
        bytes memory root = abi.encode(rootOf(minter, 2, rootHash(bad), 1111));
        activate(minter, 2, rootHash(bad), 1111);
        takeBack(minter, root);
        badPath(ANN, 900, DETAIL, pathOf(bad, 0));
        minter.claim(ANN, 100, DETAIL, pathOf(one, 0));
        (,, uint64 epoch) = minter.active();
        assertEq(epoch, 1, "active epoch");
        // It never comes again; a corrected one of its epoch does.
        refusedRoot(2, rootHash(bad), 1111, CumulativeLedger.Revoked.selector);
        bytes32[][] memory good = four(150, 200);
        activate(minter, 2, rootHash(good), 361);
        minter.claim(ANN, 150, DETAIL, pathOf(good, 0));
        assertEq(minter.totalSupply(), 350, "minted");
    }

    function test_ARevocationOfThePendingRootIsAVeto() public {
        bytes memory root = abi.encode(rootOf(minter, 1, keccak256("bad"), 311));
        post(minter, 1, keccak256("bad"), 311);
        vm.warp(NOW + WINDOW); // later than any veto
        takeBack(minter, root);
        vm.expectRevert(CumulativeLedger.NoRootPending.selector);
        minter.finalize();
        post(minter, 1, keccak256("good"), 300);
    }

    function test_ARootThatWasTakenBackBeforeItCameIsRefused() public {
        takeBack(minter, abi.encode(rootOf(minter, 1, keccak256("bad"), 311)));
        refusedRoot(1, keccak256("bad"), 311, CumulativeLedger.Revoked.selector);
        activate(minter, 1, keccak256("good"), 311);
    }

    function test_TheTotalNeverFallsBelowWhatWasPaidOnARevokedRoot() public {
        bytes32[][] memory bad = four(900, 200);
        activate(minter, 1, rootHash(bad), 1111);
        minter.claim(ANN, 900, DETAIL, pathOf(bad, 0));
        takeBack(minter, abi.encode(rootOf(minter, 1, rootHash(bad), 1111)));
        badPath(BOB, 200, DETAIL, pathOf(bad, 1));
        refused(1, 899, CumulativeLedger.DecreasingTotal.selector);
        bytes32[][] memory good = four(100, 200);
        activate(minter, 1, rootHash(good), 1211); // ann's 900 are paid
        vm.expectRevert(CumulativeLedger.NothingToClaim.selector);
        minter.claim(ANN, 100, DETAIL, pathOf(good, 0));
        minter.claim(BOB, 200, DETAIL, pathOf(good, 1));
        assertEq(minter.totalSupply(), 1100, "minted");
    }

    function test_OnlyTheQuorumTakesBackAndOnlyWhatItNames() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 311);
        bytes memory root = abi.encode(rootOf(minter, 1, rootHash(t), 311));
        bytes memory other = abi.encode(rootOf(minter, 1, rootHash(t), 312));
        CumulativeLedger.Link[] memory none;
        (bytes memory body, EpochVerifier.Signature[] memory s) = revocationOf(minter, root, 1);
        vm.expectRevert(EpochVerifier.WrongTarget.selector);
        minter.revoke(other, body, s, none);
        vm.expectRevert(EpochVerifier.BadLength.selector);
        minter.revoke(root, root, s, none);
        s[2] = s[1];
        vm.expectRevert(abi.encodeWithSelector(EpochVerifier.DuplicatedSigner.selector, 4));
        minter.revoke(root, body, s, none);
        (body, s) = revocationOf(minter, root, 2);
        vm.expectRevert(EpochVerifier.WrongSignerSet.selector);
        minter.revoke(root, body, s, none);
        s = sign(root, 3, 4, 5); // the root's own signatures are no revocation's
        (body,) = revocationOf(minter, root, 1);
        vm.expectRevert(abi.encodeWithSelector(EpochVerifier.BadSignature.selector, 3));
        minter.revoke(root, body, s, none);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
    }

    function refusedRoot(uint64 epoch, bytes32 root, uint128 total, bytes4 why) internal {
        bytes memory body = abi.encode(rootOf(minter, epoch, root, total));
        EpochVerifier.Signature[] memory s = sign(body, 3, 4, 5);
        vm.expectRevert(why);
        minter.postRoot(body, s);
    }

    function refused(uint64 epoch, uint128 total, bytes4 why) internal {
        bytes memory body = abi.encode(rootOf(minter, epoch, keccak256("root"), total));
        EpochVerifier.Signature[] memory s = sign(body, 3, 4, 5);
        vm.expectRevert(why);
        minter.postRoot(body, s);
    }

    function testFuzz_TheTotalGrowsByTheCapAtMost(uint128 cap, uint128 before, uint128 growth) public {
        cap = cap >> 1;
        before = uint128(before % (uint256(cap) + 1));
        vm.prank(OWNER);
        minter.setPolicy(POLICY, cap);
        activate(minter, 1, keccak256("one"), before);
        growth = uint128(growth % (uint256(type(uint128).max) - before));
        if (growth > cap) refused(2, before + growth, CumulativeLedger.AboveEpochCap.selector);
        else post(minter, 2, keccak256("two"), before + growth);
    }

    /// Leaves that add up to more than was signed are the verifiers' fault, and still pay no more.
    function test_NeverMoreIsMintedThanTheSignedTotal() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 250);
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0));
        bytes32[] memory path = pathOf(t, 1);
        vm.expectRevert(CumulativeLedger.AboveSignedTotal.selector);
        minter.claim(BOB, 200, DETAIL, path);
        assertEq(minter.totalSupply(), 100, "supply");
    }

    function test_APolicySetByTheOwnerRefusesRootsUnderTheOldOne() public {
        bytes memory body = abi.encode(rootOf(minter, 1, keccak256("root"), 1));
        EpochVerifier.Signature[] memory s = sign(body, 3, 4, 5);
        vm.prank(OWNER);
        minter.setPolicy(keccak256("new policy"), CAP);
        vm.expectRevert(EpochVerifier.WrongPolicy.selector);
        minter.postRoot(body, s);
        post(minter, 1, keccak256("root"), 1);
    }

    function test_ManyAreClaimedByOneProof() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 311);
        CumulativeLedger.Leaf[] memory leaves = new CumulativeLedger.Leaf[](2);
        leaves[0] = CumulativeLedger.Leaf(ANN, 100, DETAIL);
        leaves[1] = CumulativeLedger.Leaf(BOB, 200, DETAIL);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = t[1][1];
        bool[] memory flags = new bool[](2);
        flags[0] = true;
        minter.claim(ANN, 100, DETAIL, pathOf(t, 0)); // somebody was faster: no harm
        minter.claimMany(leaves, proof, flags);
        assertEq(minter.balanceOf(ANN), 100, "ann");
        assertEq(minter.balanceOf(BOB), 200, "bob");
        minter.claimMany(leaves, proof, flags);
        assertEq(minter.totalSupply(), 300, "twice");

        leaves[1].cumulative = 201;
        vm.expectRevert(CumulativeLedger.BadPath.selector);
        minter.claimMany(leaves, proof, flags);
        vm.expectRevert();
        minter.claimMany(leaves, new bytes32[](0), flags);
        // A proof of no leaf pays nobody.
        proof[0] = rootHash(t);
        minter.claimMany(new CumulativeLedger.Leaf[](0), proof, new bool[](0));
        assertEq(minter.totalSupply(), 300, "of nothing");
    }

    function testFuzz_ALeafOfADeepTreePaysItsOwnAndNoOther(uint128 total, uint8 mine, uint8 other) public {
        total = uint128(1 + (total % CAP));
        bytes32[] memory nodes = new bytes32[](64);
        for (uint256 i = 0; i < 64; i++) nodes[i] = leafHash(address(uint160(1 + i)), total, DETAIL);
        bytes32[][] memory t = tree(nodes);
        activate(minter, 1, rootHash(t), total);
        mine = mine % 64;
        other = other % 64;
        if (other != mine) badPath(address(uint160(1 + uint256(other))), total, DETAIL, pathOf(t, mine));
        minter.claim(address(uint160(1 + uint256(mine))), total, DETAIL, pathOf(t, mine));
        assertEq(minter.balanceOf(address(uint160(1 + uint256(mine)))), total, "balance");
    }

    /// An inner node offered as a leaf: its two children are 64 bytes, a leaf's words 128, and a leaf is hashed twice.
    function test_AnInnerNodeIsNoLeaf() public {
        bytes32[][] memory t = four(100, 200);
        activate(minter, 1, rootHash(t), 311);
        bytes32[] memory path = new bytes32[](1);
        path[0] = t[1][1];
        badPath(address(uint160(uint256(t[0][0]))), uint128(uint256(t[0][1])), t[0][1], path);
    }

    function test_ADistributorPaysWhatItHas() public {
        VoteToken token = new VoteToken("Paid", "PD", 1000, address(this));
        PrefundedDistributor d = new PrefundedDistributor(token, POOL, POLICY, CAP, 0, WINDOW, GUARDIAN, OWNER);
        vm.prank(OWNER);
        d.setSigners(1, keys, 3);
        bytes32[][] memory t = four(100, 200);
        activate(d, 1, rootHash(t), 150);
        bytes32[] memory ann = pathOf(t, 0);
        vm.expectRevert();
        d.claim(ANN, 100, DETAIL, ann); // not funded: nothing is lost
        assertEq(d.claimed(ANN), 0, "claimed");
        token.transfer(address(d), 1000);
        d.claim(ANN, 100, DETAIL, ann);
        assertEq(token.balanceOf(ANN), 100, "ann");
        assertEq(d.paid(), 100, "paid");
        bytes32[] memory bob = pathOf(t, 1);
        vm.expectRevert(CumulativeLedger.AboveSignedTotal.selector);
        d.claim(BOB, 200, DETAIL, bob);
    }

    function test_ATokenThatCallsBackIsPaidOnce() public {
        Reentrant token = new Reentrant();
        PrefundedDistributor d = new PrefundedDistributor(token, POOL, POLICY, CAP, 0, WINDOW, GUARDIAN, OWNER);
        token.mint(address(d), 1000);
        vm.prank(OWNER);
        d.setSigners(1, keys, 3);
        bytes32[][] memory t = four(100, 200);
        activate(d, 1, rootHash(t), 311);
        bytes32[] memory path = pathOf(t, 0);
        token.arm(d, abi.encodeCall(d.claim, (ANN, 100, DETAIL, path)));
        d.claim(ANN, 100, DETAIL, path);
        assertTrue(token.called() && !token.succeeded(), "the second claim paid");
        assertEq(token.balanceOf(ANN), 100, "ann");
    }
}

/// A token that claims again while it is transferred.
contract Reentrant is ERC20("Again", "AGN") {
    CumulativeLedger private _ledger;
    bytes private _call;
    bool public called;
    bool public succeeded;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function arm(CumulativeLedger ledger, bytes calldata call) external {
        (_ledger, _call) = (ledger, call);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (!called) {
            called = true;
            (succeeded,) = address(_ledger).call(_call);
        }
        return super.transfer(to, amount);
    }
}
