package session

import (
	"encoding/binary"
	"math"
)

func putFloats(to []byte, from []float32) {
	for i, v := range from {
		binary.LittleEndian.PutUint32(to[4*i:], math.Float32bits(v))
	}
}

func putInts(to []byte, from []int32) {
	for i, v := range from {
		binary.LittleEndian.PutUint32(to[4*i:], uint32(v))
	}
}
