package input

import (
	"path"
	"strconv"
	"strings"
)

// handedDown is where files lie that whoever started this process handed down open.
const handedDown = "/dev/fd/"

// Path is where the file of a name lies. /dev/fd/N/NAME is the file that was handed down open as descriptor N, under a name of the
// caller's choice, whose end may say the format: whoever has rows in memory alone hands them down so, and no copy is left on a
// disk. Every other name is its own path.
func Path(name string) string {
	number, shown, handed := strings.Cut(strings.TrimPrefix(name, handedDown), "/")
	if !strings.HasPrefix(name, handedDown) || !handed || shown == "" || path.Base(shown) != shown {
		return name
	}
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || strconv.FormatUint(n, 10) != number {
		return name
	}
	return handedDown + number
}
