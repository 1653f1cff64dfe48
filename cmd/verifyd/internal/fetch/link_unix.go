//go:build unix

package fetch

import "syscall"

// noFollow opens no file through a link.
const noFollow = syscall.O_NOFOLLOW
