// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Reads epoch roots and their revocations, version 1 of verifyd's proofs/SPEC.md
/// @notice Answers one question: did a quorum of the signer set in force state this body, for this contract, this pool
/// and the policy in force, and is it still in time? What follows from the statement is for the inheriting contract.
///
/// A signature is ECDSA with low s over SHA-256 of DSSE's pre-authentication encoding, which is rebuilt here. On P-256
/// the precompile at 0x100 checks it (EIP-7951 at 6,900 gas); where there is none, OpenZeppelin's Solidity does, at
/// about 235,000 gas. On secp256k1 it is ecrecover.
abstract contract EpochVerifier is Ownable {
    /// The statement's ten words, in order.
    struct EpochRoot {
        bytes32 audience;
        bytes32 poolId;
        uint64 epoch;
        bytes32 root;
        bytes32 policyHash;
        uint128 cumulativeUnits;
        uint64 signerSet;
        uint64 notAfter;
        bytes32 checkpointHash;
        bytes32 dataHash;
    }

    /// The eight words of a statement that takes another one back.
    struct Revocation {
        bytes32 audience;
        bytes32 poolId;
        uint64 epoch;
        bytes32 target; // SHA-256 of the body that is taken back
        uint32 targetKind; // 2: an epoch root
        uint32 reason;
        uint64 signerSet;
        uint64 issuedAt;
    }

    /// A key as a signer set states it: 1 es256, 2 es256k, 3 ed25519, and the point.
    struct Key {
        uint32 alg;
        bytes32 x;
        bytes32 y;
    }

    /// One signature: the signer's place in the set, from 0, and the two integers of the DER.
    struct Signature {
        uint256 key;
        bytes32 r;
        bytes32 s;
    }

    error BadLength();
    error WrongAudience();
    error WrongPool();
    error WrongSignerSet();
    error BelowQuorum();
    /// Signatures are in ascending order of their keys, so that no key counts twice.
    error DuplicatedSigner(uint256 key);
    error UnknownSigner(uint256 key);
    error BadSignature(uint256 key);
    error WrongPolicy();
    error Expired();
    error ZeroRoot();
    error WrongTarget();
    error BadSet();
    error BadKey(uint256 key);

    event SignersChanged(uint64 indexed signerSet, uint8 threshold);

    uint256 private constant BODY = 320;
    bytes private constant PAE = "DSSEv1 41 application/vnd.verifyd.epoch-root.v1+abi 320 ";
    uint256 private constant REVOCATION = 256;
    bytes private constant REVOCATION_PAE = "DSSEv1 41 application/vnd.verifyd.revocation.v1+abi 256 ";
    uint256 private constant MAX_KEYS = 32;

    /// The pool that this contract pays for.
    bytes32 public immutable poolId;

    uint256 private immutable _chain;
    bytes32 private immutable _audience;

    /// Digest of the scoring policy in force.
    bytes32 public policyHash;

    /// The set in force. These counters and what the inheriting contract declares first share a slot.
    uint64 public signerSet;
    uint8 public threshold;
    uint8 private _es256; // keys below are es256
    uint8 private _keyCount; // the others below are es256k

    /// Two words a key: an es256 key's x and y, an es256k key's address and nothing.
    bytes32[2][MAX_KEYS] private _keys;

    constructor(bytes32 pool, bytes32 policy) {
        poolId = pool;
        policyHash = policy;
        _chain = block.chainid;
        _audience = _name();
    }

    /// @notice The hash by which statements name this contract. On a fork of the chain with another id it is another,
    /// so that a root pays on one of the two.
    function audience() public view returns (bytes32) {
        return block.chainid == _chain ? _audience : _name();
    }

    function _name() private view returns (bytes32) {
        return sha256(
            bytes(string.concat("eip155:", Strings.toString(block.chainid), ":", Strings.toHexString(address(this))))
        );
    }

    /// @notice Puts a signer set in force: its number, which only grows, and its keys and threshold, as the pool's
    /// signer-set statement has them. From then on roots of earlier sets are refused. Keys of ed25519, which no EVM
    /// verifies, come last in a set; they are left out here, and the threshold is for the others to reach.
    function setSigners(uint64 set, Key[] calldata keys, uint8 quorum) external onlyOwner {
        if (set <= signerSet || keys.length > MAX_KEYS) revert BadSet();
        uint8 es256;
        uint8 count;
        for (uint256 i = 0; i < keys.length; i++) {
            Key calldata k = keys[i];
            if (i > 0 && !_ascending(keys[i - 1], k)) revert BadSet();
            if (k.alg == 1) {
                if (!P256.isValidPublicKey(k.x, k.y)) revert BadKey(i);
                _keys[i] = [k.x, k.y];
                es256++;
                count++;
            } else if (k.alg == 2) {
                if (!_onSecp256k1(uint256(k.x), uint256(k.y))) revert BadKey(i);
                address signer = address(uint160(uint256(keccak256(abi.encode(k.x, k.y)))));
                _keys[i] = [bytes32(uint256(uint160(signer))), bytes32(0)];
                count++;
            } else if (k.alg != 3) {
                revert BadKey(i);
            }
        }
        if (quorum == 0 || quorum > count) revert BadSet();
        (signerSet, threshold, _es256, _keyCount) = (set, quorum, es256, count);
        emit SignersChanged(set, quorum);
    }

    /// A set lists its keys in strictly ascending order of their words, so that none is in it twice.
    function _ascending(Key calldata a, Key calldata b) private pure returns (bool) {
        if (a.alg != b.alg) return a.alg < b.alg;
        return a.x < b.x || (a.x == b.x && a.y < b.y);
    }

    function _onSecp256k1(uint256 x, uint256 y) private pure returns (bool) {
        uint256 p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
        return x < p && y < p && mulmod(y, y, p) == addmod(mulmod(x, mulmod(x, x, p), p), 7, p);
    }

    /// @dev Reverts unless body is a statement that may be acted on now. Words with dirty padding revert in abi.decode,
    /// without an error of their own.
    function _read(bytes calldata body, Signature[] calldata signatures) internal view returns (EpochRoot memory e) {
        if (body.length != BODY) revert BadLength();
        e = abi.decode(body, (EpochRoot));
        _meant(e.audience, e.poolId, e.signerSet);
        _checkQuorum(sha256(bytes.concat(PAE, body)), signatures);
        if (e.policyHash != policyHash) revert WrongPolicy();
        if (block.timestamp > e.notAfter) revert Expired();
        if (e.root == 0) revert ZeroRoot();
    }

    /// @dev Reverts unless body is a revocation by the set in force of the epoch root whose body is given, and returns
    /// that root. Which policy it is under and until when it was in time is not asked any more.
    function _readRevoked(bytes calldata rootBody, bytes calldata body, Signature[] calldata signatures)
        internal
        view
        returns (EpochRoot memory e)
    {
        if (body.length != REVOCATION) revert BadLength();
        Revocation memory r = abi.decode(body, (Revocation));
        _meant(r.audience, r.poolId, r.signerSet);
        _checkQuorum(sha256(bytes.concat(REVOCATION_PAE, body)), signatures);
        if (rootBody.length != BODY || r.targetKind != 2 || sha256(rootBody) != r.target) revert WrongTarget();
        e = abi.decode(rootBody, (EpochRoot));
        if (e.audience != r.audience || e.poolId != poolId) revert WrongTarget();
    }

    function _meant(bytes32 ledger, bytes32 pool, uint64 set) private view {
        if (ledger != audience()) revert WrongAudience();
        if (pool != poolId) revert WrongPool();
        // Before there is a set no statement is of it.
        if (set == 0 || set != signerSet) revert WrongSignerSet();
    }

    function _checkQuorum(bytes32 digest, Signature[] calldata signatures) private view {
        if (signatures.length < threshold) revert BelowQuorum();
        uint256 count = _keyCount;
        uint256 es256 = _es256;
        uint256 least = 0; // the first key whose turn it still is
        for (uint256 i = 0; i < signatures.length; i++) {
            Signature calldata sig = signatures[i];
            uint256 key = sig.key;
            if (key < least) revert DuplicatedSigner(key);
            if (key >= count) revert UnknownSigner(key);
            least = key + 1;
            bytes32[2] storage k = _keys[key];
            bool good = key < es256
                ? P256.verify(digest, sig.r, sig.s, k[0], k[1])
                : _recovers(digest, sig.r, sig.s, address(uint160(uint256(k[0]))));
            if (!good) revert BadSignature(key);
        }
    }

    /// The DER has no recovery id: one of the two gives the signer.
    function _recovers(bytes32 digest, bytes32 r, bytes32 s, address signer) private pure returns (bool) {
        for (uint8 v = 27; v < 29; v++) {
            (address who, ECDSA.RecoverError err,) = ECDSA.tryRecover(digest, v, r, s); // refuses high s
            if (err == ECDSA.RecoverError.NoError && who == signer) return true;
        }
        return false;
    }
}
