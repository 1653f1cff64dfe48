package kernels

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Also of a code path that this machine's processor does not have.
func TestEveryVectorLoopIsItsOwnAssembly(t *testing.T) {
	for _, isa := range []ISA{AVX2, AVX512} {
		v := reflect.ValueOf(vectorFor(isa)).Elem()
		for i := range v.NumField() {
			if v.Field(i).Kind() != reflect.Func {
				continue
			}
			field := v.Type().Field(i).Name
			symbol := runtime.FuncForPC(v.Field(i).Pointer()).Name()
			want := "asm." + strings.ToUpper(field[:1]) + field[1:] + strings.ToUpper(isa.String())
			if !strings.HasSuffix(symbol, want) {
				t.Errorf("%v: %s is %s, want %s", isa, field, symbol, want)
			}
		}
	}
}
