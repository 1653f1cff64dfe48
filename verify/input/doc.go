// Package input opens the files that somebody named: regular files, without waiting for anybody.
//
// A pipe, a device or a socket in a file's place would keep its reader waiting for as long as it pleases whoever put it
// there, or feed it without end. They are refused before a byte is read, whatever the name leads to by then, and what is
// read whole is bounded. Links are followed: the name is the caller's own. A bundle's files are [verify.Folder]'s, which
// follows none.
package input
