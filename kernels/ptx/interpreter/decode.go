package interpreter

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	memoryOp  = regexp.MustCompile(`^(ld|st)\.(global|global\.nc|shared)(?:\.(v2|v4))?\.(u32|s32|b32|f32|u64|b64)$`)
	paramOp   = regexp.MustCompile(`^ld\.param\.(u32|f32|u64|b32|b64)$`)
	shuffleOp = regexp.MustCompile(`^shfl\.sync\.(bfly|down|idx)\.b32$`)
	place     = regexp.MustCompile(`^\[([%$\w]+)(?:\+(-?\d+))?\]$`)
)

// decode fills in from an opcode of the reviewed list and its operands.
func (k *kernel) decode(in *instruction, opcode string, args []string, ops map[string]operation) error {
	if op, ok := ops[opcode]; ok {
		return k.decodeCompute(in, op, args)
	}
	if m := memoryOp.FindStringSubmatch(opcode); m != nil {
		return k.decodeMemory(in, m, args)
	}
	want := func(n int) error {
		if len(args) != n {
			return fmt.Errorf("%d operands, %d needed", len(args), n)
		}
		return nil
	}
	switch {
	case paramOp.MatchString(opcode):
		in.kind = parameter
		if err := want(2); err != nil {
			return err
		}
		i, ok := k.names[strings.Trim(args[1], "[]")]
		if !ok || strings.HasSuffix(k.parameters[i], "64") != strings.HasSuffix(opcode, "64") {
			return fmt.Errorf("parameter %s", args[1])
		}
		// A wider register takes 32 bits unsigned.
		in.target, in.wide = i, strings.HasPrefix(args[0], "%rd")
		return k.set(&in.d, args[0], in.wide)
	case opcode == "bra" || opcode == "bra.uni":
		in.kind = branch
		if err := want(1); err != nil {
			return err
		}
		k.jumps[len(k.code)] = args[0]
		return nil
	case opcode == "bar.sync" && len(args) == 1 && args[0] == "0" && in.guard < 0:
		in.kind = barrier
		return nil
	case opcode == "ret" && len(args) == 0:
		in.kind = exit
		return nil
	}
	if m := shuffleOp.FindStringSubmatch(opcode); m != nil && in.guard < 0 {
		in.kind, in.mode = shuffle, m[1]
		if err := want(5); err != nil {
			return err
		}
		if args[3] != "31" || args[4] != "-1" {
			return fmt.Errorf("a shuffle of a part of a warp")
		}
		if err := k.set(&in.d, args[0], false); err != nil {
			return err
		}
		if err := k.set(&in.src[0], args[1], false); err != nil {
			return err
		}
		return k.set(&in.src[1], args[2], false)
	}
	return fmt.Errorf("opcode outside of the reviewed list")
}

// set is register as an assignment.
func (k *kernel) set(to *int, s string, wide bool) error {
	i, err := k.register(s, wide)
	*to = i
	return err
}

func (k *kernel) decodeCompute(in *instruction, op operation, args []string) error {
	in.kind, in.op = compute, op
	if len(args) != len(op.kinds) {
		return fmt.Errorf("%d operands, %d needed", len(args), len(op.kinds))
	}
	if !strings.HasPrefix(args[0], "%") {
		return fmt.Errorf("destination %s", args[0])
	}
	if err := k.set(&in.d, args[0], op.kinds[0] == 'w'); err != nil {
		return err
	}
	for i, a := range args[1:] {
		if err := k.set(&in.src[i], a, op.kinds[i+1] == 'w'); err != nil {
			return err
		}
	}
	return nil
}

// decodeMemory decodes a load or a store; m is what memoryOp found.
func (k *kernel) decodeMemory(in *instruction, m, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d operands, 2 needed", len(args))
	}
	at, value := args[1], args[0]
	in.kind = load
	if m[1] == "st" {
		in.kind, at, value = store, args[0], args[1]
	}
	in.shared, in.wide = m[2] == "shared", strings.HasSuffix(m[4], "64")
	values := strings.Split(strings.Trim(value, "{}"), ",")
	if n := map[string]int{"": 1, "v2": 2, "v4": 4}[m[3]]; len(values) != n {
		return fmt.Errorf("%d values", len(values))
	}
	for _, v := range values {
		var i int
		if err := k.set(&i, strings.TrimSpace(v), in.wide); err != nil {
			return err
		}
		in.values = append(in.values, i)
	}
	p := place.FindStringSubmatch(at)
	if p == nil {
		return fmt.Errorf("address %s", at)
	}
	if p[2] != "" {
		n, err := strconv.ParseInt(p[2], 10, 64)
		if err != nil {
			return err
		}
		in.offset = uint64(n)
	}
	return k.set(&in.address, p[1], true)
}
