// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {EpochVerifier} from "./EpochVerifier.sol";

/// @title Pays each account what its signed total exceeds what it was paid before
/// @notice A root that a quorum signed is posted by anyone, may be vetoed for a window of time, and is then made active
/// by anyone. Claims are paid from the active root alone, by anyone, to the account in the leaf. A root that the quorum
/// takes back later pays nothing more: the last good one before it is active again.
///
/// Totals are cumulative, so the same leaf pays once and a claim skipped is not lost. There is a slot an account and
/// there are five for roots, which are written again and again: new storage is what costs most. All roots that were
/// active before are in one of them, as a chain of hashes that whoever brings a revocation opens as far as it takes.
abstract contract CumulativeLedger is EpochVerifier {
    struct Active {
        bytes32 root;
        uint128 total; // sum of all leaves
        uint64 epoch;
    }

    /// A root that was active, and what was below it then: one link of the chain.
    struct Link {
        bytes32 root;
        uint128 total;
        uint64 epoch;
        bytes32 below;
    }

    struct Pending {
        bytes32 root;
        uint128 total;
        uint64 epoch; // of the last good root: the pending one, else the active one
        uint64 readyAt; // when it may be made active; zero: none is pending
    }

    struct Leaf {
        address account;
        uint128 cumulative;
        bytes32 detail;
    }

    error ReplayedEpoch();
    error EpochTooFar();
    error Revoked();
    error DecreasingTotal();
    error AboveEpochCap();
    error RootPending(uint64 readyAt);
    error NoRootPending();
    error WindowOver();
    error NotGuardian();
    error BadPath();
    error NothingToClaim();
    error WrongHistory();
    error AboveSignedTotal();

    event PolicyChanged(bytes32 policyHash, uint128 epochCap);
    /// dataHash is the SHA-256 of the published leaf file, from which everyone builds their own path.
    event RootPosted(
        uint64 indexed epoch, bytes32 root, uint128 total, uint64 readyAt, bytes32 checkpointHash, bytes32 dataHash
    );
    event RootVetoed(uint64 indexed epoch);
    event RootRevoked(uint64 indexed epoch, bytes32 root, uint128 total);
    /// below is what below() was before: with the other three, the link that a later revocation may have to open.
    event RootActivated(uint64 indexed epoch, bytes32 root, uint128 total, bytes32 below);

    /// How much the total may grow from one active root to the next, in units. Shares a slot with the signer set.
    uint128 public epochCap;

    Active public active;
    Pending public pending;

    /// The roots that were active before, the last one first: the hash of that one's Link, whose below is the hash of
    /// the link before; zero if there is none.
    bytes32 public below;

    /// Roots that were vetoed or taken back, by the hash of root, total and epoch: under no terms do they come again.
    mapping(bytes32 id => bool) public revoked;

    /// What each account was paid in all, in units.
    mapping(address account => uint128) public claimed;

    /// How long a root may be vetoed, in seconds.
    uint64 public immutable window;

    /// The most by which one root may raise the epoch, so that none leaves the contract without a next one.
    uint64 public immutable epochGrowth;

    /// May veto, and nothing else; so may the owner.
    address public immutable guardian;

    /// @param growth the most by which one root may raise the epoch; 0 stands for 65,536
    constructor(
        bytes32 pool,
        bytes32 policy,
        uint128 cap,
        uint64 growth,
        uint64 vetoWindow,
        address vetoGuardian,
        address owner
    ) EpochVerifier(pool, policy) Ownable(owner) {
        epochCap = cap;
        epochGrowth = growth == 0 ? 1 << 16 : growth;
        window = vetoWindow;
        guardian = vetoGuardian;
        emit PolicyChanged(policy, cap);
    }

    /// @notice Sets the scoring policy and the cap for roots that are posted from now on. One that is pending was
    /// accepted under the policy of its time; the owner may veto it.
    function setPolicy(bytes32 policy, uint128 cap) external onlyOwner {
        policyHash = policy;
        epochCap = cap;
        emit PolicyChanged(policy, cap);
    }

    /// @notice Takes the next epoch root: the 320 bytes that were signed, and the signatures. A pending root is never
    /// overwritten, or roots that come faster than the window passes would keep any from becoming active: if its
    /// window is over it is made active first, else this reverts.
    function postRoot(bytes calldata body, Signature[] calldata signatures) external {
        EpochRoot memory e = _read(body, signatures);
        if (revoked[_id(e.root, e.cumulativeUnits, e.epoch)]) revert Revoked();
        Pending memory last = pending;
        if (e.epoch <= last.epoch) revert ReplayedEpoch();
        if (e.epoch - last.epoch > epochGrowth) revert EpochTooFar();
        if (last.readyAt != 0) _activate(last);
        // Never below what was paid, perhaps on a root that was taken back.
        uint256 paidOut = _paid();
        uint256 before = paidOut > active.total ? paidOut : active.total;
        if (e.cumulativeUnits < before) revert DecreasingTotal();
        if (e.cumulativeUnits - before > epochCap) revert AboveEpochCap();
        uint64 readyAt = uint64(block.timestamp) + window;
        pending = Pending(e.root, e.cumulativeUnits, e.epoch, readyAt);
        emit RootPosted(e.epoch, e.root, e.cumulativeUnits, readyAt, e.checkpointHash, e.dataHash);
    }

    /// @notice Makes the pending root active once its window is over. Anyone may.
    function finalize() external {
        Pending memory last = pending;
        if (last.readyAt == 0) revert NoRootPending();
        _activate(last);
        pending.readyAt = 0;
    }

    /// @notice Drops the pending root while its window lasts. It never comes again; the verifiers may sign a corrected
    /// one of the same epoch.
    function veto() external {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian();
        Pending memory last = pending;
        if (last.readyAt == 0) revert NoRootPending();
        if (block.timestamp >= last.readyAt) revert WindowOver();
        revoked[_id(last.root, last.total, last.epoch)] = true;
        (pending.readyAt, pending.epoch) = (0, active.epoch);
        emit RootVetoed(last.epoch);
    }

    /// @notice Takes a root back, posted or not, pending or active, by a revocation that the set in force signed: the 320
    /// bytes of the root, and the 256 of the revocation with its signatures. Anyone may. What was paid stays paid; the
    /// last good root before it is active again, and a corrected one of the same epoch may be posted.
    ///
    /// If the root is active, history is the links below it, from the last one down to the first that was not taken
    /// back, or to the end; else it is not read.
    function revoke(bytes calldata rootBody, bytes calldata body, Signature[] calldata signatures, Link[] calldata history)
        external
    {
        EpochRoot memory e = _readRevoked(rootBody, body, signatures);
        bytes32 id = _id(e.root, e.cumulativeUnits, e.epoch);
        revoked[id] = true;
        Pending memory last = pending;
        if (last.readyAt != 0 && _id(last.root, last.total, last.epoch) == id) last.readyAt = 0;
        if (_id(active.root, active.total, active.epoch) == id) _fallBack(history);
        if (last.readyAt == 0) (pending.readyAt, pending.epoch) = (0, active.epoch);
        emit RootRevoked(e.epoch, e.root, e.cumulativeUnits);
    }

    function _id(bytes32 root, uint128 total, uint64 epoch) private pure returns (bytes32) {
        return keccak256(abi.encode(root, total, epoch));
    }

    function _activate(Pending memory last) private {
        if (block.timestamp < last.readyAt) revert RootPending(last.readyAt);
        Active memory before = active;
        bytes32 rest = below;
        // A root cannot be zero: then none is active, and none was good before.
        if (before.root != 0) below = rest = keccak256(abi.encode(before.root, before.total, before.epoch, rest));
        active = Active(last.root, last.total, last.epoch);
        emit RootActivated(last.epoch, last.root, last.total, rest);
    }

    /// Makes the last root below that was not taken back the active one, or none if there is none.
    function _fallBack(Link[] calldata history) private {
        bytes32 rest = below;
        for (uint256 i = 0; rest != 0; i++) {
            if (i == history.length) revert WrongHistory();
            Link calldata l = history[i];
            if (keccak256(abi.encode(l.root, l.total, l.epoch, l.below)) != rest) revert WrongHistory();
            rest = l.below;
            if (!revoked[_id(l.root, l.total, l.epoch)]) {
                (active, below) = (Active(l.root, l.total, l.epoch), rest);
                return;
            }
        }
        delete active;
        delete below;
    }

    /// @notice Pays account what its total exceeds what it was paid before. Anyone may claim for anyone.
    function claim(address account, uint128 cumulative, bytes32 detail, bytes32[] calldata proof) external {
        if (!MerkleProof.verifyCalldata(proof, active.root, _leaf(account, cumulative, detail))) revert BadPath();
        if (!_credit(account, cumulative)) revert NothingToClaim();
    }

    /// @notice The same for several accounts, by one multiproof. Those that were paid already are passed over, so that
    /// a claim by somebody else in between spoils nothing.
    function claimMany(Leaf[] calldata leaves, bytes32[] calldata proof, bool[] calldata flags) external {
        bytes32[] memory nodes = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; i++) {
            nodes[i] = _leaf(leaves[i].account, leaves[i].cumulative, leaves[i].detail);
        }
        if (!MerkleProof.multiProofVerifyCalldata(proof, flags, active.root, nodes)) revert BadPath();
        for (uint256 i = 0; i < leaves.length; i++) {
            _credit(leaves[i].account, leaves[i].cumulative);
        }
    }

    /// The leaf is hashed from its four words here, and twice: an inner node, the hash of two, never passes for one.
    function _leaf(address account, uint128 cumulative, bytes32 detail) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(poolId, account, cumulative, detail))));
    }

    function _credit(address account, uint128 cumulative) private returns (bool) {
        uint128 before = claimed[account];
        if (cumulative <= before) return false;
        claimed[account] = cumulative; // before paying: a token that calls back finds nothing to claim
        // Whatever the leaves say, not more than the signed total is ever paid.
        if (_pay(account, cumulative - before) > active.total) revert AboveSignedTotal();
        return true;
    }

    /// @dev Pays amount to account and returns what was paid to all accounts since the beginning.
    function _pay(address account, uint128 amount) internal virtual returns (uint256);

    /// @dev What was paid to all accounts since the beginning.
    function _paid() internal view virtual returns (uint256);
}
