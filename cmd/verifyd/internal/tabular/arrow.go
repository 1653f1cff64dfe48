package tabular

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	vectors "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// readArrow reads an Arrow stream, or the stream within an Arrow file, which Feather's second version is: a flat table of
// numbers, booleans and text. What a file's footer says of the order of its batches is not read.
func readArrow(r source, size int64, o Options) (t *Table, err error) {
	defer guard(&err)
	start := int64(0)
	var magic [8]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return nil, truncated(err)
	}
	switch {
	case string(magic[:6]) == "ARROW1":
		start = 8
	case string(magic[:4]) == "FEA1":
		return nil, errors.New("the first version of Feather: write it as Arrow, or as Parquet")
	}
	rows, err := checkArrow(r, start, size, o.limit())
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(start, io.SeekStart); err != nil {
		return nil, err
	}
	stream, err := ipc.NewReader(r, ipc.WithAllocator(&budget{limit: o.limit()}))
	if err != nil {
		return nil, err
	}
	defer stream.Release()
	s := stream.Schema()
	fields, kinds, reasons := make([]field, s.NumFields()), make([]Kind, s.NumFields()), make([]error, s.NumFields())
	for k := range fields {
		kinds[k], reasons[k] = arrowKind(s.Field(k).Type)
		fields[k] = field{name: s.Field(k).Name, kind: kinds[k].String()}
	}
	p, err := planOf(fields, true, o)
	if err != nil {
		return nil, err
	}
	if err := p.checkKinds(kinds, reasons); err != nil {
		return nil, err
	}
	if err := checkTable(rows, int64(len(p.features)), int64(len(p.picks)), o.limit(), size); err != nil {
		return nil, err
	}
	t = p.table(int(rows), func(k int) Kind { return kinds[k] })
	to := p.filled(t, o.limit())
	for stream.Next() {
		record := stream.RecordBatch()
		for k := range fields {
			if c := to[k]; c != nil {
				if int64(c.left()) < record.NumRows() {
					return nil, fmt.Errorf("%s: more than %d rows", p.place(k), rows)
				}
				if err := arrowCells(record.Column(k), c); err != nil {
					return nil, fmt.Errorf("%s: %w", p.place(k), err)
				}
			}
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	for k, c := range to {
		if c.left() != 0 {
			return nil, fmt.Errorf("%s: %d rows, the file says %d", p.place(k), c.row, rows)
		}
	}
	return t, nil
}

// arrowKind is what a column's cells are, or why they are not read.
func arrowKind(t arrow.DataType) (Kind, error) {
	switch t.ID() {
	case arrow.BOOL:
		return Boolean, nil
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return Whole, nil
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return Real, nil
	case arrow.STRING, arrow.LARGE_STRING:
		return Text, nil
	case arrow.DICTIONARY:
		value := t.(*arrow.DictionaryType).ValueType
		if value.ID() == arrow.DICTIONARY {
			return Text, errors.New("a dictionary of dictionaries, which is not read")
		}
		return arrowKind(value)
	case arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		return Text, errors.New("a time: save it as a number")
	}
	return Text, fmt.Errorf("of type %.40s, which is not read", t.Name())
}

// arrowCells takes the cells of a batch.
func arrowCells(a arrow.Array, to *cells) error {
	for i := range a.Len() {
		if a.IsNull(i) {
			return to.missing()
		}
		if err := arrowCell(a, i, to); err != nil {
			return err
		}
	}
	return nil
}

func arrowCell(a arrow.Array, i int, to *cells) error {
	switch a := a.(type) {
	case *vectors.Boolean:
		if a.Value(i) {
			return to.number(whole(1))
		}
		return to.number(whole(0))
	case *vectors.Int8:
		return to.number(whole(int64(a.Value(i))))
	case *vectors.Int16:
		return to.number(whole(int64(a.Value(i))))
	case *vectors.Int32:
		return to.number(whole(int64(a.Value(i))))
	case *vectors.Int64:
		return to.number(whole(a.Value(i)))
	case *vectors.Uint8:
		return to.number(whole(int64(a.Value(i))))
	case *vectors.Uint16:
		return to.number(whole(int64(a.Value(i))))
	case *vectors.Uint32:
		return to.number(whole(int64(a.Value(i))))
	case *vectors.Uint64:
		return to.number(unsigned(a.Value(i)))
	case *vectors.Float16:
		return to.number(number{f: half(a.Value(i).Uint16())})
	case *vectors.Float32:
		return to.number(number{f: float64(a.Value(i))})
	case *vectors.Float64:
		return to.number(number{f: a.Value(i)})
	case *vectors.String:
		return to.text(short(a.Value(i)))
	case *vectors.LargeString:
		return to.text(short(a.Value(i)))
	case *vectors.Dictionary:
		k, values := a.GetValueIndex(i), a.Dictionary()
		if k < 0 || k >= values.Len() {
			return to.at(fmt.Errorf("entry %d of a dictionary of %d", k, values.Len()))
		}
		if values.IsNull(k) {
			return to.missing()
		}
		return arrowCell(values, k, to)
	}
	return to.at(fmt.Errorf("of type %.40s, which is not read", a.DataType().Name()))
}

// short is a text without what is beyond the limit, which is refused.
func short(s string) []byte { return []byte(s[:min(len(s), maxText+1)]) }
