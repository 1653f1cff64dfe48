// Package demo is what verifyd demo shows: an operator, a worker and a verifier
// who go through the whole protocol on real data, and a forger who tries each
// way of cheating on them.
//
// The forgers live here and not in the protocol: they compose dishonest traces
// from the pieces that an honest worker uses. The package measures nothing but
// how often sampling catches them, and shows how what the gate measures leads to a
// lie that sampling missed.
package demo
