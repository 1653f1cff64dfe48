package interpreter

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// kind is how an instruction is executed.
type kind uint8

const (
	compute kind = iota
	parameter
	load
	store
	branch
	barrier
	shuffle
	exit
)

// instruction is one line of a kernel. Registers are indices into a warp's.
type instruction struct {
	kind    kind
	text    string
	op      operation
	d       int    // destination; its width is the first letter of op.kinds
	src     [3]int // operands of op
	guard   int    // predicate register, or -1
	negated bool
	target  int    // of a branch; index of a parameter
	wide    bool   // 64 bits are loaded or stored
	shared  bool   // in shared memory
	address int    // 64-bit register
	offset  uint64 // added to it
	values  []int  // registers that are loaded or stored
	mode    string // of a shuffle
}

// kernel is a parsed .entry.
type kernel struct {
	name       string
	code       []instruction
	parameters []string // types, such as u32
	narrow     int      // registers of 32 bits and fewer
	wide       int
	threads    int            // .maxntid, or 0
	shared     int            // bytes
	symbols    map[string]int // shared arrays
	constants  map[constant]int
	bases      map[string]int // first register of a prefix
	names      map[string]int // parameters
	labels     map[string]int
	jumps      map[int]string
}

// constant is a number that has a register of its own.
type constant struct {
	wide  bool
	value uint64
}

// specials are the registers of 32 bits that every kernel has first.
var specials = [...]string{
	"%tid.x", "%tid.y", "%tid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z",
}

var (
	entryLine  = regexp.MustCompile(`^\.visible \.entry (\w+)\($`)
	paramLine  = regexp.MustCompile(`^\.param \.(u32|u64|f32|s32|b32|b64) (\w+),?$`)
	regLine    = regexp.MustCompile(`^\.reg \.(pred|b16|b32|f32|b64)\s+(%[a-z]+)<(\d+)>;$`)
	sharedLine = regexp.MustCompile(`^\.shared \.align (\d+) \.b8 (\w+)\[(\d+)\];$`)
	threadLine = regexp.MustCompile(`^\.maxntid (\d+), (\d+), (\d+)$`)
	codeLine   = regexp.MustCompile(`^(?:@(!?)(%p\d+)\s+)?([a-z][a-z0-9_.]*)\s*(.*);$`)
	labelLine  = regexp.MustCompile(`^(\$\w+):$`)
	highLine   = regexp.MustCompile(`^\{\s*\.reg \.b32 tmp;\s*mov\.b64 \{tmp, (%r\d+)\}, (%rd\d+);\s*\}$`)
	ignored    = regexp.MustCompile(`^(\.version 6\.4|\.target sm_70|\.address_size 64|\.minnctapersm \d+|\.pragma "nounroll";|[{)])$`)
)

// parse reads the kernels of a module.
func parse(text string) (map[string]*kernel, error) {
	ops := operations()
	all := map[string]*kernel{}
	var k *kernel
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		line = strings.TrimSpace(line)
		if line == "" || ignored.MatchString(line) {
			continue
		}
		var err error
		if m := entryLine.FindStringSubmatch(line); m != nil {
			k = newKernel(m[1])
			all[k.name] = k
		} else if k == nil {
			err = fmt.Errorf("outside of a kernel")
		} else if line == "}" {
			err = k.link()
		} else {
			err = k.line(line, ops)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", number+1, line, err)
		}
	}
	return all, nil
}

func newKernel(name string) *kernel {
	k := &kernel{
		name: name, narrow: len(specials), symbols: map[string]int{}, constants: map[constant]int{}, bases: map[string]int{},
		names: map[string]int{}, labels: map[string]int{}, jumps: map[int]string{},
	}
	for i, s := range specials {
		k.bases[s] = i
	}
	return k
}

// line reads one line of a kernel.
func (k *kernel) line(line string, ops map[string]operation) error {
	if m := paramLine.FindStringSubmatch(line); m != nil {
		k.names[m[2]] = len(k.parameters)
		k.parameters = append(k.parameters, m[1])
		return nil
	}
	if m := threadLine.FindStringSubmatch(line); m != nil {
		k.threads = atoi(m[1]) * atoi(m[2]) * atoi(m[3])
		return nil
	}
	if m := regLine.FindStringSubmatch(line); m != nil {
		if m[1] == "b64" {
			k.bases[m[2]], k.wide = k.wide, k.wide+atoi(m[3])
		} else {
			k.bases[m[2]], k.narrow = k.narrow, k.narrow+atoi(m[3])
		}
		return nil
	}
	if m := sharedLine.FindStringSubmatch(line); m != nil {
		align := atoi(m[1])
		k.shared = (k.shared + align - 1) / align * align
		k.symbols[m[2]] = k.shared
		k.shared += atoi(m[3])
		return nil
	}
	if m := labelLine.FindStringSubmatch(line); m != nil {
		k.labels[m[1]] = len(k.code)
		return nil
	}
	line = highLine.ReplaceAllString(line, "mov.high $1, $2;")
	m := codeLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("is no line that the interpreter knows")
	}
	in := instruction{text: line, guard: -1}
	if m[2] != "" {
		guard, err := k.register(m[2], false)
		if err != nil {
			return err
		}
		in.guard, in.negated = guard, m[1] == "!"
	}
	if err := k.decode(&in, m[3], operands(m[4]), ops); err != nil {
		return err
	}
	k.code = append(k.code, in)
	return nil
}

// atoi is the number that a pattern has found.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// operands parts a list at its commas, braces held together.
func operands(s string) []string {
	var all []string
	depth, from := 0, 0
	for i, c := range s {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == ',' && depth == 0:
			all, from = append(all, strings.TrimSpace(s[from:i])), i+1
		}
	}
	if last := strings.TrimSpace(s[from:]); last != "" {
		all = append(all, last)
	}
	return all
}

// register is the index of a register or of a constant's, of 64 bits if wide.
func (k *kernel) register(s string, wide bool) (int, error) {
	if i, ok := k.bases[s]; ok && !wide {
		return i, nil
	}
	if strings.HasPrefix(s, "%") {
		prefix := strings.TrimRight(s, "0123456789")
		base, ok := k.bases[prefix]
		n, err := strconv.Atoi(s[len(prefix):])
		if !ok || err != nil || (prefix == "%rd") != wide {
			return 0, fmt.Errorf("register %s", s)
		}
		return base + n, nil
	}
	value, err := k.value(s)
	if err != nil {
		return 0, err
	}
	c := constant{wide, value}
	if !wide {
		c.value = uint64(uint32(value))
	}
	i, ok := k.constants[c]
	if !ok && wide {
		i, k.wide = k.wide, k.wide+1
	} else if !ok {
		i, k.narrow = k.narrow, k.narrow+1
	}
	k.constants[c] = i
	return i, nil
}

// value is the value of a number or of a shared array's name.
func (k *kernel) value(s string) (uint64, error) {
	if at, ok := k.symbols[s]; ok {
		return uint64(at), nil
	}
	if hex, ok := strings.CutPrefix(s, "0f"); ok {
		return strconv.ParseUint(hex, 16, 32)
	}
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return uint64(n), nil
	}
	return strconv.ParseUint(s, 0, 64)
}

// link resolves the jumps.
func (k *kernel) link() error {
	for i, label := range k.jumps {
		at, ok := k.labels[label]
		if !ok {
			return fmt.Errorf("no label %s", label)
		}
		k.code[i].target = at
	}
	if n := len(k.code); n == 0 || k.code[n-1].kind != exit && k.code[n-1].kind != branch {
		return fmt.Errorf("the kernel does not end")
	}
	return nil
}
