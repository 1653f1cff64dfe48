// Package valuation runs an estimate on files: it reads a round's game, keeps the transcript in a folder as
// the run goes, takes an interrupted run up where it stopped, and writes the certificate when it is done.
//
// A folder holds game.json, which says what is being valued, utilities.bin, the transcript's utilities as
// int64, low byte first, in the order of its leaves, and last certificate.json. A folder without
// certificate.json is a run that was interrupted.
//
// The package never draws a seed of its own: it comes from a beacon and from the game's root.
package valuation
