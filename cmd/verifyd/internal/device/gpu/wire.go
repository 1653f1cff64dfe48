package gpu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unsafe"
)

// What is asked of a child on one connection, one request after another, each answered before the next. The
// first is open.
const (
	opOpen   = 1 + iota // a: words of memory
	opWrite             // a: word offset; payload: the words
	opRead              // a: word offset, b: words; answered with the words
	opRecord            // payload: the routine; the first is number 0, the next 1
	opRun               // a: routine, payload: the words in; answered with the words out
	opClose
)

// The status of an answer.
const (
	statusOK     = iota
	statusFailed // payload: the failure
)

const (
	requestSize = 24
	answerSize  = 8

	chunk      = 1 << 18  // words that one write or read carries at most, 1 MiB
	maxRoutine = 32 << 20 // bytes of an encoded routine
	maxPayload = 1 << 31  // bytes of the words of a run
)

// errProtocol says that the other end does not speak as this one does.
var errProtocol = errors.New("protocol error")

// request is the head of a request.
type request struct {
	op     uint32
	length uint32 // bytes of payload behind the head
	a, b   uint64
}

func (r request) put(to *[requestSize]byte) {
	binary.LittleEndian.PutUint32(to[0:], r.op)
	binary.LittleEndian.PutUint32(to[4:], r.length)
	binary.LittleEndian.PutUint64(to[8:], r.a)
	binary.LittleEndian.PutUint64(to[16:], r.b)
}

// parseRequest reads a head and refuses sizes that no request of its kind has.
func parseRequest(from *[requestSize]byte) (request, error) {
	r := request{
		op: binary.LittleEndian.Uint32(from[0:]), length: binary.LittleEndian.Uint32(from[4:]),
		a: binary.LittleEndian.Uint64(from[8:]), b: binary.LittleEndian.Uint64(from[16:]),
	}
	limit := uint32(0)
	switch r.op {
	case opOpen, opRead, opClose:
	case opWrite:
		limit = 4 * chunk
	case opRecord:
		limit = maxRoutine
	case opRun:
		limit = maxPayload
	default:
		return r, fmt.Errorf("%w: request %d", errProtocol, r.op)
	}
	if r.length > limit || r.op != opRecord && r.length%4 != 0 {
		return r, fmt.Errorf("%w: %d bytes behind request %d", errProtocol, r.length, r.op)
	}
	if r.op == opRead && r.b > chunk {
		return r, fmt.Errorf("%w: %d words to read at once", errProtocol, r.b)
	}
	return r, nil
}

// answer is the head of an answer.
type answer struct {
	status uint32
	length uint32 // bytes of payload behind the head
}

func (a answer) put(to *[answerSize]byte) {
	binary.LittleEndian.PutUint32(to[0:], a.status)
	binary.LittleEndian.PutUint32(to[4:], a.length)
}

// parseAnswer reads a head, to a request that success answers with so many bytes.
func parseAnswer(from *[answerSize]byte, length int) (answer, error) {
	a := answer{binary.LittleEndian.Uint32(from[0:]), binary.LittleEndian.Uint32(from[4:])}
	switch {
	case a.status == statusOK && uint64(a.length) == uint64(length):
	case a.status == statusFailed && a.length <= maxFailure:
	default:
		return a, fmt.Errorf("%w: %d bytes behind an answer of status %d", errProtocol, a.length, a.status)
	}
	return a, nil
}

// line sends heads with their payloads, small ones at once.
type line struct {
	io.Writer
	memory []byte
}

// together is the size up to which copying costs less than a second system call.
const together = 64 << 10

func (l *line) send(head, payload []byte) error {
	if len(head)+len(payload) <= together {
		l.memory = append(append(l.memory[:0], head...), payload...)
		_, err := l.Write(l.memory)
		return err
	}
	if _, err := l.Write(head); err != nil {
		return err
	}
	_, err := l.Write(payload)
	return err
}

// bytesOf is the memory of words.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}

// readPayload reads n bytes in steps of at most 1 MiB, so that a head alone allocates no more.
func readPayload(from io.Reader, n uint32) ([]byte, error) {
	data := make([]byte, 0, min(n, 1<<20))
	for uint32(len(data)) < n {
		at := len(data)
		step := min(int(n)-at, 1<<20)
		data = append(data, make([]byte, step)...)
		if _, err := io.ReadFull(from, data[at:]); err != nil {
			return nil, err
		}
	}
	return data, nil
}
