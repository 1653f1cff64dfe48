// Package npy reads the headers of NumPy's .npy files, versions 1 to 3, strictly: what lies in a file and where it begins. It
// reads no elements and runs no Python.
package npy
