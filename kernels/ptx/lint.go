package ptx

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var opcode = regexp.MustCompile(`^\s*(?:@!?%p\d+\s+)?([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)`)

// Lint returns an error for each instruction of a module whose result DRN-1 would not fix, contract.md section 1: flushed
// subnormals, approximations, float arithmetic without a written rounding, floats that are not binary32, and atomic operations.
func Lint(text string) error {
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		if m := opcode.FindStringSubmatch(line); m != nil {
			if why := refuse(strings.Split(m[1], ".")); why != "" {
				errs = append(errs, fmt.Errorf("line %d: %s: %s", i+1, m[1], why))
			}
		}
	}
	return errors.Join(errs...)
}

// refuse says what is wrong with an opcode, or nothing.
func refuse(parts []string) string {
	has := func(s string) bool { return slices.Contains(parts[1:], s) }
	switch {
	case has("ftz"):
		return "flushes subnormals"
	case has("approx") || has("full") || has("sat"):
		return "approximates"
	case parts[0] == "atom" || parts[0] == "red":
		return "is atomic"
	case has("f64") || has("f16") || has("f16x2") || has("bf16") || has("bf16x2") || has("tf32"):
		return "is not binary32"
	case !has("f32"):
		return ""
	}
	switch parts[0] {
	case "add", "sub", "mul", "div", "fma", "sqrt", "cvt":
		if !has("rn") {
			return "does not round to nearest, or does not say so"
		}
	case "ld", "st", "mov", "selp", "setp", "neg", "abs":
	default:
		return "is no operation of DRN-1"
	}
	return ""
}
