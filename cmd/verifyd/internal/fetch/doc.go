// Package fetch gets a file of a known size from the web, and goes on where a transfer broke off.
//
// What is being fetched lies beside the file, under its name and ".part", until all of it is there and its caller has checked it.
// No more than its size is ever read or stored, and nothing that a server says becomes a path.
//
// The package never trusts what it fetched: whoever calls it knows a hash.
package fetch
