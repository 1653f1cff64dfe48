package tabular

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// batch is how many cells are read at a time.
const batch = 4096

// readParquet reads a Parquet file of size bytes: a flat table of numbers, booleans and text.
func readParquet(r source, size int64, o Options) (t *Table, err error) {
	defer guard(&err)
	if err := checkFooter(r, size); err != nil {
		return nil, err
	}
	properties := parquet.NewReaderProperties(&budget{limit: o.limit()})
	properties.BufferedStreamEnabled = true
	f, err := file.NewParquetReader(r, file.WithReadProps(properties))
	if err != nil {
		return nil, err
	}
	s := f.MetaData().Schema
	fields, kinds := make([]field, s.NumColumns()), make([]Kind, s.NumColumns())
	reasons := make([]error, s.NumColumns())
	for k := range fields {
		column := s.Column(k)
		kinds[k], reasons[k] = parquetKind(column)
		fields[k] = field{name: column.Name(), kind: kinds[k].String()}
	}
	p, err := planOf(fields, true, o)
	if err != nil {
		return nil, err
	}
	if err := p.checkKinds(kinds, reasons); err != nil {
		return nil, err
	}
	if err := checkTable(f.NumRows(), int64(len(p.features)), int64(len(p.picks)), o.limit(), size); err != nil {
		return nil, err
	}
	t = p.table(int(f.NumRows()), func(k int) Kind { return kinds[k] })
	to := p.filled(t, o.limit())
	for g := range f.NumRowGroups() {
		for k := range fields {
			if c := to[k]; c != nil {
				if err := readChunk(r, size, f, g, k, c); err != nil {
					return nil, fmt.Errorf("%s: %w", p.place(k), err)
				}
			}
		}
	}
	for k, c := range to {
		if c.row != t.Rows {
			return nil, fmt.Errorf("%s: %d rows, the file says %d", p.place(k), c.row, t.Rows)
		}
	}
	return t, nil
}

// checkKinds refuses columns that cannot be what they are to be.
func (p *plan) checkKinds(kinds []Kind, reasons []error) error {
	for _, k := range p.features {
		if reasons[k] != nil {
			return fmt.Errorf("%s: %w: --drop leaves it out", p.place(k), reasons[k])
		}
		if kinds[k] == Text {
			return fmt.Errorf("%s: text is no feature: --drop leaves it out", p.place(k))
		}
	}
	for _, k := range p.picks {
		if reasons[k] != nil {
			return fmt.Errorf("%s: %w", p.place(k), reasons[k])
		}
	}
	return nil
}

// parquetKind is what a column's cells are, or why they are not read.
func parquetKind(c *schema.Column) (Kind, error) {
	if c.MaxRepetitionLevel() > 0 || c.MaxDefinitionLevel() > 1 {
		return Text, errors.New("nested: want a flat table")
	}
	physical := c.PhysicalType()
	switch c.LogicalType().(type) {
	case schema.DateLogicalType, schema.TimeLogicalType, schema.TimestampLogicalType:
		return Text, errors.New("a time: save it as a number")
	case schema.DecimalLogicalType, *schema.DecimalLogicalType:
		return Text, errors.New("fixed decimals: save them as binary64")
	case schema.Float16LogicalType:
		return Real, nil
	case schema.IntLogicalType:
		return Whole, nil
	}
	switch physical {
	case parquet.Types.Boolean:
		return Boolean, nil
	case parquet.Types.Int32, parquet.Types.Int64:
		return Whole, nil
	case parquet.Types.Float, parquet.Types.Double:
		return Real, nil
	case parquet.Types.ByteArray:
		return Text, nil
	}
	return Text, fmt.Errorf("of type %v, which is not read", physical)
}

// readChunk reads column k of row group g.
func readChunk(r source, size int64, f *file.Reader, g, k int, to *cells) error {
	group := f.MetaData().RowGroup(g)
	meta, err := group.ColumnChunk(k)
	if err != nil {
		return err
	}
	start := meta.DataPageOffset()
	if meta.HasDictionaryPage() && meta.DictionaryPageOffset() > 0 && meta.DictionaryPageOffset() < start {
		start = meta.DictionaryPageOffset()
	}
	length, values := meta.TotalCompressedSize(), meta.NumValues()
	rows := int64(to.left())
	if start < 4 || length < 0 || start > size || length > size-start {
		return fmt.Errorf("bytes %d to %d are not within the file", start, start+length)
	}
	if values != group.NumRows() || values > rows {
		return fmt.Errorf("%d values in a group of %d rows, %d rows are left", values, group.NumRows(), rows)
	}
	if values == 0 {
		return nil
	}
	if err := checkPages(r, start, length, values, meta.Compression()); err != nil {
		return err
	}
	reader, err := f.RowGroup(g).Column(k)
	if err != nil {
		return err
	}
	isUnsigned := false
	if l, ok := reader.Descriptor().LogicalType().(schema.IntLogicalType); ok {
		isUnsigned = !l.IsSigned()
	}
	for values > 0 {
		n, err := readBatch(reader, min(batch, values), isUnsigned, to)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("row %d: the column ends early", to.row)
		}
		values -= n
	}
	return nil
}

// readBatch reads some cells.
func readBatch(reader file.ColumnChunkReader, most int64, isUnsigned bool, to *cells) (int64, error) {
	switch r := reader.(type) {
	case *file.BooleanColumnChunkReader:
		return cellsOf(r.ReadBatch, most, to, func(v bool) error {
			if v {
				return to.number(whole(1))
			}
			return to.number(whole(0))
		})
	case *file.Int32ColumnChunkReader:
		return cellsOf(r.ReadBatch, most, to, func(v int32) error {
			if isUnsigned {
				return to.number(whole(int64(uint32(v))))
			}
			return to.number(whole(int64(v)))
		})
	case *file.Int64ColumnChunkReader:
		return cellsOf(r.ReadBatch, most, to, func(v int64) error {
			if isUnsigned {
				return to.number(unsigned(uint64(v)))
			}
			return to.number(whole(v))
		})
	case *file.Float32ColumnChunkReader:
		return cellsOf(r.ReadBatch, most, to, func(v float32) error { return to.number(number{f: float64(v)}) })
	case *file.Float64ColumnChunkReader:
		return cellsOf(r.ReadBatch, most, to, func(v float64) error { return to.number(number{f: v}) })
	case *file.FixedLenByteArrayColumnChunkReader: // binary16 alone is let through
		return cellsOf(r.ReadBatch, most, to, func(v parquet.FixedLenByteArray) error {
			if len(v) != 2 {
				return fmt.Errorf("%d bytes where 2 are needed", len(v))
			}
			return to.number(number{f: half(uint16(v[0]) | uint16(v[1])<<8)})
		})
	case *file.ByteArrayColumnChunkReader:
		return cellsOf(r.ReadBatch, most, to, func(v parquet.ByteArray) error { return to.text(v) })
	}
	return 0, fmt.Errorf("of a type that is not read")
}

// cellsOf reads some cells of a type. A cell without a value is an error.
func cellsOf[T any](read func(int64, []T, []int16, []int16) (int64, int, error), most int64, to *cells, put func(T) error) (int64, error) {
	values, levels := make([]T, most), make([]int16, most)
	for i := range levels {
		levels[i] = 1 // of a column whose cells must be there, none are written
	}
	n, got, err := read(most, values, levels, nil)
	if err != nil {
		return 0, err
	}
	next := 0
	for _, level := range levels[:n] {
		if level == 0 {
			return 0, to.missing()
		}
		if next == got {
			return 0, fmt.Errorf("row %d: fewer values than rows", to.row)
		}
		if err := put(values[next]); err != nil {
			return 0, err
		}
		next++
	}
	return n, nil
}
