// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EpochVerifier} from "../src/EpochVerifier.sol";
import {CumulativeMinter} from "../src/CumulativeMinter.sol";
import {Harness} from "./Harness.sol";

contract EpochVerifierTest is Harness {
    bytes32 internal constant ROOT = keccak256("root");

    function good() internal view returns (EpochVerifier.EpochRoot memory) {
        return rootOf(minter, 1, ROOT, 100);
    }

    function refused(EpochVerifier.EpochRoot memory e, bytes4 why) internal {
        bytes memory body = abi.encode(e);
        EpochVerifier.Signature[] memory s = sign(body, 3, 4, 5);
        vm.expectRevert(why);
        minter.postRoot(body, s);
    }

    function refused(bytes memory body, EpochVerifier.Signature[] memory s, bytes memory why) internal {
        vm.expectRevert(why);
        minter.postRoot(body, s);
    }

    /// The name of SPEC.md's example: chain 8453, address in lower case.
    function test_AudienceIsTheHashOfTheCAIP10Name() public {
        address here = 0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb;
        vm.chainId(8453);
        bytes memory args = abi.encode("Work", "WRK", POOL, POLICY, CAP, 0, WINDOW, GUARDIAN, OWNER);
        vm.etch(here, bytes.concat(vm.getCode("CumulativeMinter.sol:CumulativeMinter"), args));
        (bool ok, bytes memory runtime) = here.call("");
        require(ok);
        vm.etch(here, runtime);
        bytes32 want = sha256("eip155:8453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb");
        assertTrue(CumulativeMinter(here).audience() == want, "audience");
    }

    function test_AForkOfTheChainIsAnotherAudience() public {
        bytes32 before = minter.audience();
        vm.chainId(block.chainid + 1);
        assertTrue(minter.audience() != before, "the same on both");
    }

    function test_AnyQuorumOfDifferentKeysIsEnough() public {
        uint8[3][5] memory quorums = [[0, 1, 2], [0, 1, 3], [1, 2, 4], [0, 3, 4], [2, 3, 4]];
        for (uint64 i = 0; i < quorums.length; i++) {
            bytes memory body = abi.encode(rootOf(minter, i + 1, ROOT, 100));
            minter.postRoot(body, sign(body, quorums[i][0], quorums[i][1], quorums[i][2]));
            vm.warp(block.timestamp + WINDOW);
        }
    }

    function test_WithoutThePrecompileSolidityDecidesTheSame() public {
        bytes memory body = abi.encode(good());
        EpochVerifier.Signature[] memory s = sign(body, 0, 1, 3);
        s[1].s = bytes32(P256_ORDER - uint256(s[1].s));
        refused(body, s, abi.encodeWithSelector(EpochVerifier.BadSignature.selector, 1));
        s = sign(body, 0, 1, 3);
        s[0].r ^= bytes32(uint256(1));
        refused(body, s, abi.encodeWithSelector(EpochVerifier.BadSignature.selector, 0));
        s = sign(body, 0, 1, 3);
        uint256 spent = gasleft();
        minter.postRoot(body, s);
        assertTrue(spent - gasleft() > 300_000, "there was a precompile");
    }

    function test_MoreSignaturesThanTheQuorumMustAllBeGood() public {
        bytes memory body = abi.encode(good());
        bytes32 digest = digestOf(body);
        EpochVerifier.Signature[] memory s = new EpochVerifier.Signature[](5);
        for (uint256 i = 0; i < 5; i++) s[i] = signature(i, digest);
        s[4].r = s[3].r;
        refused(body, s, abi.encodeWithSelector(EpochVerifier.BadSignature.selector, 4));
        s[4] = signature(4, digest);
        minter.postRoot(body, s);
    }

    function test_BelowQuorumIsRefused() public {
        bytes memory body = abi.encode(good());
        EpochVerifier.Signature[] memory s = new EpochVerifier.Signature[](2);
        (s[0], s[1]) = (signature(0, digestOf(body)), signature(1, digestOf(body)));
        refused(body, s, abi.encodeWithSelector(EpochVerifier.BelowQuorum.selector));
        refused(body, new EpochVerifier.Signature[](0), abi.encodeWithSelector(EpochVerifier.BelowQuorum.selector));
    }

    function test_AKeyCountsOnce() public {
        bytes memory body = abi.encode(good());
        refused(body, sign(body, 0, 1, 1), abi.encodeWithSelector(EpochVerifier.DuplicatedSigner.selector, 1));
        refused(body, sign(body, 1, 0, 1), abi.encodeWithSelector(EpochVerifier.DuplicatedSigner.selector, 0));
        refused(body, sign(body, 3, 4, 4), abi.encodeWithSelector(EpochVerifier.DuplicatedSigner.selector, 4));
    }

    function test_AKeyOutsideTheSetIsRefused() public {
        bytes memory body = abi.encode(good());
        EpochVerifier.Signature[] memory s = sign(body, 0, 1, 2);
        s[2].key = 6;
        refused(body, s, abi.encodeWithSelector(EpochVerifier.UnknownSigner.selector, 6));
        s[2].key = type(uint256).max;
        refused(body, s, abi.encodeWithSelector(EpochVerifier.UnknownSigner.selector, type(uint256).max));
    }

    function test_HighSIsRefusedOnBothCurves() public {
        bytes memory body = abi.encode(good());
        EpochVerifier.Signature[] memory s = sign(body, 0, 1, 3);
        s[1].s = bytes32(P256_ORDER - uint256(s[1].s));
        refused(body, s, abi.encodeWithSelector(EpochVerifier.BadSignature.selector, 1));
        s = sign(body, 0, 1, 3);
        s[2].s = bytes32(K1_ORDER - uint256(s[2].s));
        refused(body, s, abi.encodeWithSelector(EpochVerifier.BadSignature.selector, 3));
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_AnyChangedBitOfBodyOrSignatureIsRefused(uint256 which) public {
        bytes memory body = abi.encode(good());
        EpochVerifier.Signature[] memory s = sign(body, 0, 1, 3);
        which = which % ((320 + 3 * 64) * 8);
        uint256 bit = which % 8;
        uint256 n = which / 8;
        if (n < 320) {
            body[n] ^= bytes1(uint8(1 << bit));
        } else {
            n -= 320;
            bytes32 flip = bytes32(1 << (8 * (n % 32) + bit));
            if (n % 64 < 32) s[n / 64].r ^= flip;
            else s[n / 64].s ^= flip;
        }
        vm.expectRevert();
        minter.postRoot(body, s);
    }

    function test_DirtyPaddingIsRefused() public {
        uint256[4] memory narrow = [uint256(2), 5, 6, 7]; // epoch, cumulativeUnits, signerSet, notAfter
        for (uint256 i = 0; i < narrow.length; i++) {
            bytes memory body = abi.encode(good());
            body[32 * narrow[i]] = 0x01;
            EpochVerifier.Signature[] memory s = sign(body, 0, 1, 2);
            vm.expectRevert();
            minter.postRoot(body, s);
        }
    }

    function test_ABodyHasTenWords() public {
        bytes memory body = bytes.concat(abi.encode(good()), bytes32(0));
        refused(body, sign(body, 0, 1, 2), abi.encodeWithSelector(EpochVerifier.BadLength.selector));
        refused("", sign("", 0, 1, 2), abi.encodeWithSelector(EpochVerifier.BadLength.selector));
    }

    function test_AStatementForSomebodyElseIsRefused() public {
        EpochVerifier.EpochRoot memory e = good();
        e.audience = keccak256("eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb");
        refused(e, EpochVerifier.WrongAudience.selector);
        e = good();
        e.poolId = keccak256("another pool");
        refused(e, EpochVerifier.WrongPool.selector);
        e = good();
        e.policyHash = keccak256("another policy");
        refused(e, EpochVerifier.WrongPolicy.selector);
        e = good();
        e.signerSet = 2;
        refused(e, EpochVerifier.WrongSignerSet.selector);
        e = good();
        e.root = 0;
        refused(e, EpochVerifier.ZeroRoot.selector);
    }

    function test_NotAfterIsTheLastSecond() public {
        EpochVerifier.EpochRoot memory e = good();
        e.notAfter = NOW;
        bytes memory body = abi.encode(e);
        vm.warp(NOW + 1);
        refused(e, EpochVerifier.Expired.selector);
        vm.warp(NOW);
        minter.postRoot(body, sign(body, 0, 1, 2));
    }

    function test_RootsOfAnEarlierSetAreRefusedOnceTheNextIsInForce() public {
        EpochVerifier.EpochRoot memory old = good();
        EpochVerifier.Key[] memory fewer = new EpochVerifier.Key[](2);
        (fewer[0], fewer[1]) = (keys[0], keys[3]);
        vm.prank(OWNER);
        minter.setSigners(2, fewer, 2);
        refused(old, EpochVerifier.WrongSignerSet.selector);

        bytes memory body = abi.encode(good());
        EpochVerifier.Signature[] memory s = new EpochVerifier.Signature[](2);
        (s[0], s[1]) = (signature(0, digestOf(body)), signature(3, digestOf(body)));
        s[1].key = 1; // its place in the new set
        minter.postRoot(body, s);
        s[1].key = 2; // a place that only the old set had
        refused(body, s, abi.encodeWithSelector(EpochVerifier.UnknownSigner.selector, 2));
    }

    function test_ASetIsNewOrderedValidAndReachable() public {
        EpochVerifier.Key[] memory k = keys;
        badSet(1, k, 3, EpochVerifier.BadSet.selector); // not newer
        badSet(2, k, 0, EpochVerifier.BadSet.selector);
        badSet(2, k, 7, EpochVerifier.BadSet.selector);
        badSet(2, new EpochVerifier.Key[](0), 1, EpochVerifier.BadSet.selector);
        badSet(2, new EpochVerifier.Key[](33), 1, EpochVerifier.BadSet.selector);
        (k[0], k[1]) = (k[1], k[0]);
        badSet(2, k, 3, EpochVerifier.BadSet.selector);
        k[0] = k[1];
        badSet(2, k, 3, EpochVerifier.BadSet.selector);
        (k[0], k[1]) = (keys[0], keys[1]);
        k[1].y ^= bytes32(uint256(1));
        badKey(k, 1);
        k[1] = keys[1];
        k[5].y ^= bytes32(uint256(1));
        badKey(k, 5);
        k[5] = keys[5];
        k[5].alg = 4;
        badKey(k, 5);
        // An ed25519 key has its place in the set and counts for nothing here.
        k[5] = EpochVerifier.Key(3, keccak256("a key"), 0);
        badSet(2, k, 6, EpochVerifier.BadSet.selector);
        vm.prank(OWNER);
        minter.setSigners(2, k, 5);
    }

    function badSet(uint64 set, EpochVerifier.Key[] memory k, uint8 quorum, bytes4 why) internal {
        vm.expectRevert(why);
        vm.prank(OWNER);
        minter.setSigners(set, k, quorum);
    }

    function badKey(EpochVerifier.Key[] memory k, uint256 place) internal {
        vm.expectRevert(abi.encodeWithSelector(EpochVerifier.BadKey.selector, place));
        vm.prank(OWNER);
        minter.setSigners(2, k, 3);
    }

    function test_BeforeThereIsASetNothingIsAccepted() public {
        CumulativeMinter fresh = new CumulativeMinter("Work", "WRK", POOL, POLICY, CAP, 0, WINDOW, GUARDIAN, OWNER);
        EpochVerifier.EpochRoot memory e = rootOf(fresh, 1, ROOT, 100);
        bytes memory body = abi.encode(e);
        EpochVerifier.Signature[] memory none = new EpochVerifier.Signature[](0);
        vm.expectRevert(EpochVerifier.WrongSignerSet.selector);
        fresh.postRoot(body, none);
    }

    function test_OnlyTheOwnerSetsSignersAndPolicy() public {
        vm.expectRevert();
        minter.setSigners(2, keys, 3);
        vm.expectRevert();
        minter.setPolicy(ROOT, 1);
        vm.prank(GUARDIAN);
        vm.expectRevert();
        minter.setPolicy(ROOT, 1);
    }
}
