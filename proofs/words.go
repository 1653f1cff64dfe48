package proofs

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// wordSize is the width of every field in a body, in bytes.
const wordSize = 32

// fields is what a statement's layout is told to: each call is the next word
// of the body. Writing, reading and showing a statement are the three that
// answer, so that a layout is declared once.
type fields interface {
	hash(name string, v *Hash)
	uint32(name string, v *uint32)
	uint64(name string, v *uint64)
	uint128(name string, v *Uint128)
	int128(name string, v *Int128)
	verdict(name string, v *Verdict)
	algorithm(name string, v *string)
	// derived is a word that other fields determine.
	derived(name string, want Hash)
}

// writer makes a body.
type writer []byte

func (w *writer) hash(_ string, v *Hash)        { *w = append(*w, v[:]...) }
func (w *writer) uint32(_ string, v *uint32)    { w.integer(0, 0, uint64(*v)) }
func (w *writer) uint64(_ string, v *uint64)    { w.integer(0, 0, *v) }
func (w *writer) uint128(_ string, v *Uint128)  { w.integer(0, v.Hi, v.Lo) }
func (w *writer) int128(_ string, v *Int128)    { w.integer(byte(v.Hi>>63), uint64(v.Hi), v.Lo) }
func (w *writer) verdict(_ string, v *Verdict)  { w.integer(0, 0, uint64(v.uint32())) }
func (w *writer) algorithm(_ string, v *string) { w.integer(0, 0, uint64(algorithmNumber(*v))) }
func (w *writer) derived(_ string, want Hash)   { *w = append(*w, want[:]...) }

// integer appends a 128-bit integer, sign-extended with pad to a whole word.
func (w *writer) integer(pad byte, hi, lo uint64) {
	*w = append(*w, bytes.Repeat([]byte{pad}, 16)...)
	*w = binary.BigEndian.AppendUint64(*w, hi)
	*w = binary.BigEndian.AppendUint64(*w, lo)
}

// reader takes a body apart word by word and keeps the first error. Whoever
// makes one has checked that there are as many words as the layout asks for.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) word() []byte {
	w := r.rest[:wordSize]
	r.rest = r.rest[wordSize:]
	return w
}

func (r *reader) hash(_ string, v *Hash) { *v = Hash(r.word()) }

func (r *reader) uint32(name string, v *uint32) {
	*v = binary.BigEndian.Uint32(r.unsigned(name, 4))
}

func (r *reader) uint64(name string, v *uint64) {
	*v = binary.BigEndian.Uint64(r.unsigned(name, 8))
}

func (r *reader) uint128(name string, v *Uint128) {
	w := r.unsigned(name, 16)
	*v = Uint128{binary.BigEndian.Uint64(w), binary.BigEndian.Uint64(w[8:])}
}

func (r *reader) int128(name string, v *Int128) {
	w := r.word()
	*v = Int128{int64(binary.BigEndian.Uint64(w[16:])), binary.BigEndian.Uint64(w[24:])}
	r.padding(name, w[:16], byte(v.Hi>>63))
}

func (r *reader) verdict(name string, v *Verdict) {
	var code uint32
	r.uint32(name, &code)
	*v = Verdict{Kind(code >> 16), Reason(code)}
}

func (r *reader) algorithm(name string, v *string) {
	var number uint32
	r.uint32(name, &number)
	*v = algorithmName(number)
	if *v == "" {
		r.refuse(class.OutOfRange, name, "algorithm %d is not one of 1 to 3", number)
	}
}

func (r *reader) derived(name string, want Hash) {
	if got := Hash(r.word()); got != want {
		r.refuse(class.OutOfRange, name, "%s is not the one that other fields determine, %s", got, want)
	}
}

// unsigned returns the last size bytes of the next word after checking that
// the others are zero.
func (r *reader) unsigned(name string, size int) []byte {
	w := r.word()
	r.padding(name, w[:wordSize-size], 0)
	return w[wordSize-size:]
}

func (r *reader) padding(name string, pad []byte, want byte) {
	for _, b := range pad {
		if b != want {
			r.refuse(class.DirtyPadding, name, "dirty padding: the %d high bytes must each be 0x%02x", len(pad), want)
			return
		}
	}
}

func (r *reader) refuse(class, name, format string, args ...any) {
	if r.err == nil {
		r.err = refuse(class, name, format, args...)
	}
}

// view makes the JSON view of a statement: an object on one line with every
// field as a string, numbers in decimal. Names and values need no escapes.
type view struct{ bytes.Buffer }

func (v *view) text(name, value string) {
	sep := byte(',')
	if v.Len() == 0 {
		sep = '{'
	}
	v.WriteByte(sep)
	v.WriteString(strconv.Quote(name))
	v.WriteByte(':')
	v.WriteString(strconv.Quote(value))
}

func (v *view) hash(name string, h *Hash)        { v.text(name, h.String()) }
func (v *view) uint32(name string, n *uint32)    { v.text(name, strconv.FormatUint(uint64(*n), 10)) }
func (v *view) uint64(name string, n *uint64)    { v.text(name, strconv.FormatUint(*n, 10)) }
func (v *view) uint128(name string, n *Uint128)  { v.text(name, n.String()) }
func (v *view) int128(name string, n *Int128)    { v.text(name, n.String()) }
func (v *view) verdict(name string, d *Verdict)  { v.text(name, d.String()) }
func (v *view) algorithm(name string, a *string) { v.text(name, *a) }
func (v *view) derived(name string, want Hash)   { v.text(name, want.String()) }
