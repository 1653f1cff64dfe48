// Package fault says why something of the protocol was refused, in a form that programs can act on.
//
// Every refusal of what comes from outside is an [Error]: a class out of a closed set, the file, the field
// and the reason. The text of an error is "file: field: reason"; it is for people, and no program should
// have to read it. Whether the bundle, the operator or this machine is to blame follows from the class.
//
// A reader that knows only a part of a file leaves File empty, and whoever called it puts the name in with
// [In], and the path of the part with [Under]. A cause that a caller may ask for (fs.ErrNotExist, an error
// of a context) stays reachable for errors.Is.
//
// The package imports nothing of this module. SPEC.md in the folder above lists the classes for other
// implementations; [Classes] must agree with it.
package fault
