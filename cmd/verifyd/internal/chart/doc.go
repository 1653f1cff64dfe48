// Package chart draws values as SVG: values with their intervals, estimates that converge, and what
// removing data does to a utility.
//
// The numbers come in units of 1e-9 and are only turned into floats to be drawn. The same input gives
// the same bytes: fonts are named with their sizes and nothing else of the machine is in the file. The
// text stays text, for screen readers and searches, and has the colours of the reader's light or dark page.
//
// Nobody knows the reader's fonts. So text is anchored where it begins, ends or is centred, and has the room
// that the widest common ones would take; what is drawn beside it never depends on its width.
//
// The package never computes a value, never decides which one is right, and never reads a file.
package chart
