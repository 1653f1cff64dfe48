// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EpochVerifier} from "../src/EpochVerifier.sol";
import {CumulativeLedger} from "../src/CumulativeLedger.sol";
import {CumulativeMinter} from "../src/CumulativeMinter.sol";

/// Those of forge's cheat codes that the tests use.
interface Vm {
    function warp(uint256 time) external;
    function roll(uint256 height) external;
    function chainId(uint256 id) external;
    function prank(address sender) external;
    function assume(bool condition) external pure;
    function expectRevert() external;
    function expectRevert(bytes4 why) external;
    function expectRevert(bytes calldata why) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function signP256(uint256 key, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function publicKeyP256(uint256 key) external pure returns (uint256 x, uint256 y);
    function createWallet(uint256 key) external returns (Wallet memory);
    function etch(address target, bytes calldata code) external;
    function getCode(string calldata artifact) external view returns (bytes memory);

    struct Wallet {
        address addr;
        uint256 publicKeyX;
        uint256 publicKeyY;
        uint256 privateKey;
    }
}

/// A ledger with three P-256 keys and three secp256k1 keys of which three must sign, and trees to claim from. The rules
/// are those of foundry.toml, before the precompile for P-256: there the code that stands in for it does the work.
abstract contract Harness {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    uint256 internal constant K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    bytes32 internal constant POOL = keccak256("pool");
    bytes32 internal constant POLICY = keccak256("policy");
    uint64 internal constant WINDOW = 3 days;
    uint64 internal constant NOW = 1_795_000_000;
    uint128 internal constant CAP = 1_000_000;
    address internal constant GUARDIAN = address(0x6a);
    address internal constant OWNER = address(0x0e);

    EpochVerifier.Key[] internal keys;
    uint256[] internal secrets; // by place in the set
    CumulativeMinter internal minter;

    function setUp() public virtual {
        vm.warp(NOW);
        minter = new CumulativeMinter("Work", "WRK", POOL, POLICY, CAP, 0, WINDOW, GUARDIAN, OWNER);
        for (uint256 i = 1; i <= 3; i++) {
            (uint256 x, uint256 y) = vm.publicKeyP256(i);
            insert(EpochVerifier.Key(1, bytes32(x), bytes32(y)), i);
        }
        for (uint256 i = 1; i <= 3; i++) {
            Vm.Wallet memory w = vm.createWallet(i);
            insert(EpochVerifier.Key(2, bytes32(w.publicKeyX), bytes32(w.publicKeyY)), i);
        }
        vm.prank(OWNER);
        minter.setSigners(1, keys, 3);
    }

    /// Keeps keys in the order that a signer set has.
    function insert(EpochVerifier.Key memory k, uint256 secret) internal {
        keys.push(k);
        secrets.push(secret);
        for (uint256 i = keys.length - 1; i > 0; i--) {
            EpochVerifier.Key memory a = keys[i - 1];
            if (a.alg < k.alg || (a.alg == k.alg && a.x < k.x)) break;
            (keys[i - 1], keys[i]) = (k, a);
            (secrets[i - 1], secrets[i]) = (secret, secrets[i - 1]);
        }
    }

    function rootOf(CumulativeLedger l, uint64 epoch, bytes32 root, uint128 total)
        internal
        view
        returns (EpochVerifier.EpochRoot memory)
    {
        return EpochVerifier.EpochRoot({
            audience: l.audience(),
            poolId: POOL,
            epoch: epoch,
            root: root,
            policyHash: l.policyHash(),
            cumulativeUnits: total,
            signerSet: l.signerSet(),
            notAfter: type(uint64).max,
            checkpointHash: keccak256("checkpoint"),
            dataHash: keccak256("leaves")
        });
    }

    function digestOf(bytes memory body) internal pure returns (bytes32) {
        return sha256(abi.encodePacked("DSSEv1 41 application/vnd.verifyd.epoch-root.v1+abi 320 ", body));
    }

    /// The signature of the key at a place in the set, with low s.
    function signature(uint256 place, bytes32 digest) internal view returns (EpochVerifier.Signature memory sig) {
        sig.key = place;
        uint256 order = P256_ORDER;
        if (keys[place].alg == 1) {
            (sig.r, sig.s) = vm.signP256(secrets[place], digest);
        } else {
            (, sig.r, sig.s) = vm.sign(secrets[place], digest);
            order = K1_ORDER;
        }
        if (uint256(sig.s) > order / 2) sig.s = bytes32(order - uint256(sig.s));
    }

    function sign(bytes memory body, uint256 a, uint256 b, uint256 c)
        internal
        view
        returns (EpochVerifier.Signature[] memory s)
    {
        bytes32 digest = digestOf(body);
        s = new EpochVerifier.Signature[](3);
        (s[0], s[1], s[2]) = (signature(a, digest), signature(b, digest), signature(c, digest));
    }

    /// The revocation of a root, and its signatures.
    function revocationOf(CumulativeLedger l, bytes memory root, uint64 set)
        internal
        view
        returns (bytes memory body, EpochVerifier.Signature[] memory s)
    {
        body = abi.encode(
            EpochVerifier.Revocation(l.audience(), POOL, 1, sha256(root), 2, 1, set, uint64(block.timestamp))
        );
        bytes32 digest =
            sha256(abi.encodePacked("DSSEv1 41 application/vnd.verifyd.revocation.v1+abi 256 ", body));
        s = new EpochVerifier.Signature[](3);
        (s[0], s[1], s[2]) = (signature(3, digest), signature(4, digest), signature(5, digest));
    }

    /// The links that each ledger ever had, as whoever follows its events keeps them.
    mapping(CumulativeLedger => mapping(bytes32 => CumulativeLedger.Link)) internal links;

    /// Keeps the link of the active root; to be called before another one becomes active, or this is taken back.
    function keepLink(CumulativeLedger l) internal {
        (bytes32 root, uint128 total, uint64 epoch) = l.active();
        bytes32 rest = l.below();
        links[l][keccak256(abi.encode(root, total, epoch, rest))] = CumulativeLedger.Link(root, total, epoch, rest);
    }

    /// The links below the active root down to the first that was not taken back.
    function historyOf(CumulativeLedger l) internal view returns (CumulativeLedger.Link[] memory history) {
        uint256 n;
        for (bytes32 link = l.below(); link != 0; n++) link = _next(l, link);
        history = new CumulativeLedger.Link[](n);
        n = 0;
        for (bytes32 link = l.below(); link != 0; n++) {
            history[n] = links[l][link];
            link = _next(l, link);
        }
    }

    function _next(CumulativeLedger l, bytes32 link) private view returns (bytes32) {
        CumulativeLedger.Link memory k = links[l][link];
        require(k.root != 0, "a link that nobody kept");
        return l.revoked(keccak256(abi.encode(k.root, k.total, k.epoch))) ? k.below : bytes32(0);
    }

    /// Takes back a root, as the set in force.
    function takeBack(CumulativeLedger l, bytes memory root) internal {
        (bytes memory body, EpochVerifier.Signature[] memory s) = revocationOf(l, root, l.signerSet());
        l.revoke(root, body, s, historyOf(l));
    }

    /// Posts a root, signed on secp256k1, which is fast.
    function post(CumulativeLedger l, uint64 epoch, bytes32 root, uint128 total) internal {
        bytes memory body = abi.encode(rootOf(l, epoch, root, total));
        l.postRoot(body, sign(body, 3, 4, 5));
    }

    /// Posts a root and lets it become active.
    function activate(CumulativeLedger l, uint64 epoch, bytes32 root, uint128 total) internal {
        post(l, epoch, root, total);
        vm.warp(block.timestamp + WINDOW);
        keepLink(l);
        l.finalize();
    }

    function leafHash(address account, uint128 cumulative, bytes32 detail) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(POOL, account, cumulative, detail))));
    }

    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    /// A perfect tree over 2^depth nodes: out[0] are the nodes, out[depth][0] is the root.
    function tree(bytes32[] memory nodes) internal pure returns (bytes32[][] memory out) {
        uint256 depth;
        while (nodes.length >> depth > 1) depth++;
        require(nodes.length == 1 << depth, "a perfect tree");
        out = new bytes32[][](depth + 1);
        out[0] = nodes;
        for (uint256 d = 1; d <= depth; d++) {
            out[d] = new bytes32[](nodes.length >> d);
            for (uint256 i = 0; i < out[d].length; i++) {
                out[d][i] = pair(out[d - 1][2 * i], out[d - 1][2 * i + 1]);
            }
        }
    }

    function pathOf(bytes32[][] memory t, uint256 i) internal pure returns (bytes32[] memory path) {
        path = new bytes32[](t.length - 1);
        for (uint256 d = 0; d < path.length; d++) {
            path[d] = t[d][(i >> d) ^ 1];
        }
    }

    function assertEq(uint256 got, uint256 want, string memory what) internal pure {
        require(got == want, what);
    }

    function assertTrue(bool holds, string memory what) internal pure {
        require(holds, what);
    }
}
