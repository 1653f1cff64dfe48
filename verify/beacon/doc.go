// Package beacon holds the public randomness that picks what is replayed.
//
// A job names a chain before any work is done. A receipt fixes the round: the first one that is
// published at or after the time of arrival plus the job's delay, which is two periods at least. Nobody
// knows that round's value when the claim is made, and anybody can check it afterwards without a network:
//
//   - drand-quicknet: a BLS signature over the round number, checked with the public key of the League
//     of Entropy's quicknet, which is pinned here;
//   - fixed: one value, to which the job commits by hash and which the operator reveals after the
//     receipt. It is for demonstrations and tests: whoever made the job knows the value.
//
// The package never fetches a beacon.
package beacon
