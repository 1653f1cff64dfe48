// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EpochVerifier} from "../src/EpochVerifier.sol";
import {CumulativeMinter} from "../src/CumulativeMinter.sol";
import {Harness} from "./Harness.sol";

/// A pool in its everyday life, and everyone who might spoil it: roots come honestly or not, are vetoed, finalized and
/// claimed in any order. What must hold after each step is in InvariantsTest.
contract Life is Harness {
    uint256 private constant ACCOUNTS = 8;
    bytes32 private constant DETAIL = keccak256("detail");

    struct Signed {
        bytes32[][] tree;
        uint128[ACCOUNTS] totals;
        uint128 total;
        bytes body;
    }

    Signed private _pending;
    Signed private _active;
    Signed[] private _below; // roots that were active before, taken back or not
    mapping(bytes32 id => bool) private _takenBack;
    bool private _isPending;
    uint64 public epoch;
    uint64 private _ready;
    uint128 private _capAtPost;

    uint128 public activeTotal;
    uint128 public highestActive;
    uint128[ACCOUNTS] public entitled; // the most that an active root ever gave the account
    bool public broken; // a thing happened that must not

    function ledger() external view returns (CumulativeMinter) {
        return minter;
    }

    function account(uint256 i) public pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    /// The next root. Every fourth one states a total that is less than its leaves' sum.
    function post(uint256 seed) external {
        Signed memory s;
        bytes32[] memory nodes = new bytes32[](ACCOUNTS);
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            s.totals[i] = _active.totals[i] + uint128(uint256(keccak256(abi.encode(seed, i))) % 1000);
            s.total += s.totals[i];
            nodes[i] = leafHash(account(i), s.totals[i], DETAIL);
        }
        if (seed % 4 == 0) s.total = activeTotal + (s.total > activeTotal ? (s.total - activeTotal) / 2 : 0);
        if (s.total < activeTotal) s.total = activeTotal;
        s.tree = tree(nodes);
        bytes memory body = abi.encode(rootOf(minter, epoch + 1, s.tree[3][0], s.total));
        s.body = body;
        uint256 before = _isPending && block.timestamp >= _ready ? _pending.total : activeTotal;
        if (minter.totalSupply() > before) before = minter.totalSupply();
        bool want = !_takenBack[sha256(body)] && !(_isPending && block.timestamp < _ready) && s.total >= before && s.total - before <= minter.epochCap();
        EpochVerifier.Signature[] memory sigs = sign(body, 3, 4, 5);
        keepLink(minter);
        try minter.postRoot(body, sigs) {
            if (!want) broken = true;
            if (_isPending) _promote();
            _pending = s;
            _isPending = true;
            _ready = uint64(block.timestamp) + WINDOW;
            epoch++;
        } catch {
            if (want) broken = true;
        }
    }

    function finalize() external {
        bool want = _isPending && block.timestamp >= _ready;
        keepLink(minter);
        try minter.finalize() {
            if (!want) broken = true;
            _promote();
        } catch {
            if (want) broken = true;
        }
    }

    function veto() external {
        bool want = _isPending && block.timestamp < _ready;
        vm.prank(GUARDIAN);
        try minter.veto() {
            if (!want) broken = true;
            _isPending = false;
        } catch {
            if (want) broken = true;
        }
    }

    /// Takes back the active root, the pending one or one before.
    function revoke(uint256 which) external {
        if (which % 3 == 2 && _below.length == 0) return;
        Signed storage s = which % 3 == 0 ? _active : which % 3 == 1 ? _pending : _below[(which / 3) % _below.length];
        if (s.body.length == 0 || (which % 3 == 1 && !_isPending)) return;
        bytes memory body = s.body;
        takeBack(minter, body);
        _takenBack[sha256(body)] = true;
        if (which % 3 == 1) _isPending = false;
        if (which % 3 != 0) return;
        delete _active;
        while (_below.length > 0 && _active.body.length == 0) {
            if (!_takenBack[sha256(_below[_below.length - 1].body)]) _active = _below[_below.length - 1];
            _below.pop();
        }
        activeTotal = _active.total;
    }

    function wait_(uint32 time) external {
        vm.warp(block.timestamp + (time % (2 * WINDOW)));
    }

    function setCap(uint16 cap) external {
        vm.prank(OWNER);
        minter.setPolicy(POLICY, cap);
    }

    /// Claims from the active root, or tries to from the pending one.
    function claim(uint256 who, bool early) external {
        who %= ACCOUNTS;
        Signed storage s = early ? _pending : _active;
        if (s.tree.length == 0) return;
        bool same = s.tree[3][0] == (_active.tree.length == 0 ? bytes32(0) : _active.tree[3][0]);
        uint128 paid = minter.claimed(account(who));
        uint128 total = s.totals[who];
        try minter.claim(account(who), total, DETAIL, pathOf(s.tree, who)) {
            if (!same || total <= paid) broken = true;
        } catch {}
    }

    function _promote() private {
        if (_active.body.length > 0) _below.push(_active);
        _active = _pending;
        _isPending = false;
        activeTotal = _active.total;
        if (activeTotal > highestActive) highestActive = activeTotal;
        for (uint256 i = 0; i < ACCOUNTS; i++) {
            if (_active.totals[i] > entitled[i]) entitled[i] = _active.totals[i];
        }
    }
}

contract InvariantsTest {
    Life private _life;

    function setUp() public {
        _life = new Life();
        _life.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_life);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory all) {
        all = new FuzzSelector[](1);
        bytes4[] memory s = new bytes4[](8);
        (s[0], s[1], s[2], s[3]) = (Life.post.selector, Life.finalize.selector, Life.veto.selector, Life.wait_.selector);
        (s[4], s[5], s[6]) = (Life.claim.selector, Life.claim.selector, Life.setCap.selector);
        s[7] = Life.revoke.selector;
        all[0] = FuzzSelector(address(_life), s);
    }

    function invariant_MintedIsTheSumOfClaimsAndNeverAboveTheSignedTotal() external view {
        CumulativeMinter m = _life.ledger();
        uint256 sum;
        for (uint256 i = 0; i < 8; i++) {
            address who = _life.account(i);
            uint256 paid = m.claimed(who);
            require(paid == m.balanceOf(who), "paid otherwise than by a claim");
            require(paid <= _life.entitled(i), "paid more than an active root ever said");
            sum += paid;
        }
        require(sum == m.totalSupply(), "minted otherwise than by a claim");
        (, uint128 total,) = m.active();
        require(total == _life.activeTotal(), "another root is active");
        require(sum <= _life.highestActive(), "minted above the signed total");
        require(!_life.broken(), "a root or a claim went through that must not, or the other way round");
    }
}
