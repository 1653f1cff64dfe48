package tabular

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	vectors "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/klauspost/compress/zstd"
)

// parquetOf is a Parquet file with a column x of binary64, n of integers, which may lack values, and y of text.
func parquetOf(codec compress.Compression, x []float64, n []int32, there []int16, y []string) []byte {
	text, err := schema.NewPrimitiveNodeLogical("y", parquet.Repetitions.Required, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1)
	if err != nil {
		panic(err)
	}
	return parquetFile(codec, schema.FieldList{
		schema.NewFloat64Node("x", parquet.Repetitions.Required, -1), schema.NewInt32Node("n", parquet.Repetitions.Optional, -1), text,
	}, func(g file.SerialRowGroupWriter) {
		column(g).(*file.Float64ColumnChunkWriter).WriteBatch(x, nil, nil)
		column(g).(*file.Int32ColumnChunkWriter).WriteBatch(n, there, nil)
		var b []parquet.ByteArray
		for _, s := range y {
			b = append(b, parquet.ByteArray(s))
		}
		column(g).(*file.ByteArrayColumnChunkWriter).WriteBatch(b, nil, nil)
	})
}

// parquetFile is a Parquet file of one group of rows.
func parquetFile(codec compress.Compression, fields schema.FieldList, rows func(file.SerialRowGroupWriter)) []byte {
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	w := file.NewParquetWriter(&b, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithCompression(codec))))
	g := w.AppendRowGroup()
	rows(g)
	if err := g.Close(); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// column is the writer of the next column.
func column(g file.SerialRowGroupWriter) file.ColumnChunkWriter {
	c, err := g.NextColumn()
	if err != nil {
		panic(err)
	}
	return c
}

// arrowOf is an Arrow file, or a stream, with the columns of parquetOf; y is a dictionary.
func arrowOf(stream bool, x []float64, n []int32, there []bool, y []string, options ...ipc.Option) []byte {
	category := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	s := arrow.NewSchema([]arrow.Field{
		{Name: "x", Type: arrow.PrimitiveTypes.Float64}, {Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "y", Type: category},
	}, nil)
	records := vectors.NewRecordBuilder(memory.DefaultAllocator, s)
	records.Field(0).(*vectors.Float64Builder).AppendValues(x, nil)
	records.Field(1).(*vectors.Int32Builder).AppendValues(n, there)
	for _, v := range y {
		if err := records.Field(2).(*vectors.BinaryDictionaryBuilder).AppendString(v); err != nil {
			panic(err)
		}
	}
	record := records.NewRecordBatch()
	var b bytes.Buffer
	options = append(options, ipc.WithSchema(s))
	var w interface {
		Write(arrow.RecordBatch) error
		Close() error
	}
	if w = ipc.NewWriter(&b, options...); !stream {
		f, err := ipc.NewFileWriter(&b, options...)
		if err != nil {
			panic(err)
		}
		w = f
	}
	if err := w.Write(record); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// columnarFiles are the same table in every format of columns.
func columnarFiles() map[string][]byte {
	x, n, y := []float64{0.1, 1 + 0x1p-24 + 0x1p-50, -3}, []int32{7, -8, 1 << 30}, []string{"b", "a", "b"}
	all := map[string][]byte{}
	for _, c := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli} {
		all[fmt.Sprintf("%v.parquet", c)] = parquetOf(c, x, n, []int16{1, 1, 1}, y)
	}
	all["plain.arrow"] = arrowOf(false, x, n, nil, y)
	all["lz4.feather"] = arrowOf(false, x, n, nil, y, ipc.WithLZ4())
	all["zstd.arrow"] = arrowOf(true, x, n, nil, y, ipc.WithZstd())
	all["stream.arrow"] = arrowOf(true, x, n, nil, y)
	return all
}

func TestTheSameColumnsGiveTheSameBitsInEveryFormat(t *testing.T) {
	want, err := Read(put(t, "a.csv", []byte("x,n,y\n0.1,7,b\n1.0000000596046457,-8,a\n-3,1073741824,b\n")), Options{Pick: []string{"y"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range columnarFiles() {
		got, err := Read(put(t, name, data), Options{Pick: []string{"y"}})
		if err != nil || !slices.Equal(got.F, want.F) || !slices.Equal(got.Names, want.Names) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		if names, classes := classesOf(t, got.Picked[0]); !slices.Equal(names, []string{"b", "a"}) || !slices.Equal(classes, []int32{0, 1, 0}) {
			t.Errorf("%s: %v of %q", name, classes, names)
		}
	}
}

func TestACellWithoutAValueIsRefusedByFileRowAndColumn(t *testing.T) {
	x, n, y := []float64{1, 2}, []int32{7}, []string{"b", "a"}
	for name, data := range map[string][]byte{
		"a.parquet": parquetOf(compress.Codecs.Snappy, x, n, []int16{1, 0}, y),
		"a.arrow":   arrowOf(false, x, []int32{7, 0}, []bool{true, false}, y),
	} {
		path := put(t, name, data)
		_, err := Read(path, Options{Pick: []string{"y"}})
		refused(t, name, path, err, "column 2 (n): row 1: missing")
		if _, err := Read(path, Options{Pick: []string{"y"}, Drop: []string{"n"}}); err != nil {
			t.Errorf("%s without that column: %v", name, err)
		}
		_, err = Read(path, Options{Drop: []string{"n"}})
		refused(t, name, path, err, "column 3 (y): text is no feature")
	}
}

func TestColumnsThatAreNoNumbersAreRefused(t *testing.T) {
	list, err := schema.ListOf(schema.NewFloat64Node("v", parquet.Repetitions.Optional, -1), parquet.Repetitions.Optional, -1)
	if err != nil {
		t.Fatal(err)
	}
	day, err := schema.NewPrimitiveNodeLogical("d", parquet.Repetitions.Required, schema.DateLogicalType{}, parquet.Types.Int32, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	repeated := schema.NewInt32Node("r", parquet.Repetitions.Repeated, -1)
	for want, fields := range map[string]schema.FieldList{
		"is nested: want a flat table": {list},
		"a time: save it as a number":  {day},
		"nested: want a flat table":    {repeated},
	} {
		path := put(t, "a.parquet", parquetFile(compress.Codecs.Uncompressed, fields, func(g file.SerialRowGroupWriter) {
			c := column(g)
			switch c := c.(type) {
			case *file.Int32ColumnChunkWriter:
				c.WriteBatch([]int32{1}, []int16{1}, []int16{0})
			case *file.Float64ColumnChunkWriter:
				c.WriteBatch([]float64{1}, []int16{c.Descr().MaxDefinitionLevel()}, []int16{0})
			}
		}))
		_, err := Read(path, Options{})
		refused(t, want, path, err, want)
	}
	var b bytes.Buffer
	s := arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64)}}, nil)
	if err := ipc.NewWriter(&b, ipc.WithSchema(s)).Close(); err != nil {
		t.Fatal(err)
	}
	path := put(t, "a.arrow", b.Bytes())
	_, err = Read(path, Options{})
	refused(t, "a list", path, err, "column 1 is nested")
}

// Whoever changes a byte gets a table within the limits or one error.
func TestNoByteOfAColumnarFileBreaksItsReader(t *testing.T) {
	for name, data := range columnarFiles() {
		if testing.Short() && !strings.HasPrefix(name, "snappy") && !strings.HasPrefix(name, "plain") {
			continue
		}
		for at := range data {
			for _, flip := range []byte{1, 0xff} {
				changed := slices.Clone(data)
				changed[at] ^= flip
				_, _ = decode(bytes.NewReader(changed), int64(len(changed)), format(name), Options{Pick: []string{"y"}, Limit: 1 << 20}, -1)
			}
		}
		for end := range data {
			_, _ = decode(bytes.NewReader(data[:end]), int64(end), format(name), Options{Pick: []string{"y"}, Limit: 1 << 20}, -1)
		}
	}
}

func TestBombsAreRefusedBeforeTheyBecomeAnything(t *testing.T) {
	ones := make([]int32, 1<<20)
	path := put(t, "rows.parquet", parquetFile(compress.Codecs.Zstd, schema.FieldList{schema.NewInt32Node("n", parquet.Repetitions.Required, -1)},
		func(g file.SerialRowGroupWriter) {
			c := column(g).(*file.Int32ColumnChunkWriter)
			for range 20 {
				c.WriteBatch(ones, nil, nil)
			}
		}))
	_, err := Read(path, Options{})
	refused(t, "a few runs of many rows", path, err, "more than 1024 times as much is refused")

	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := w.EncodeAll(make([]byte, 64<<20), w.EncodeAll(make([]byte, 100), nil)) // a frame that is as it says, and another
	if err := checkZstd(bytes.NewReader(bomb), 100); err == nil || !strings.Contains(err.Error(), "becomes 101 bytes or more, and says 100") {
		t.Error(err)
	}
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0xf8, 1, 0, 0} // a window of 2^41 bytes
	if err := checkZstd(bytes.NewReader(wide), 100); err == nil {
		t.Error("a window of terabytes was taken")
	}
}

func TestMetadataAreNeitherDeepNorLongerThanTheirBytes(t *testing.T) {
	for _, c := range []struct {
		name, want string
		b          []byte
	}{
		{"lists in lists", "nested deeper than 24", append([]byte{0x29}, bytes.Repeat([]byte{0x19}, maxFooter)...)}, // a stack of more than Go allows
		{"structures in lists", "nested deeper than 24", append([]byte{0x29}, bytes.Repeat([]byte{0x1c, 0x19}, 100)...)},
		{"structures nested", "nested deeper than 24", bytes.Repeat([]byte{0x1c}, 100)},
		{"a list of 2^31", "malformed", []byte{0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07}},
		{"fields that come twice", "out of order", []byte{0x15, 2, 0x05, 2, 2, 0}},
	} {
		r := compact{b: c.b}
		err := r.structure(func(int, byte) (bool, error) { return false, nil })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestMemoryIsBoundedByTheLimit(t *testing.T) {
	defer func() {
		if _, ok := recover().(overBudget); !ok {
			t.Error("more than the limit was handed out")
		}
	}()
	b := &budget{limit: 100}
	x := b.Allocate(60)
	b.Free(x)
	x = b.Reallocate(90, b.Allocate(50))
	b.Free(x)
	b.Allocate(101)
}

func TestTextIsBoundedInAllAndInEachCell(t *testing.T) {
	long := strings.Repeat("x", maxText+1)
	x, n := []float64{1, 2}, []int32{7, 8}
	for name, data := range map[string][]byte{
		"a.parquet": parquetOf(compress.Codecs.Snappy, x, n, []int16{1, 1}, []string{"a", long}),
		"a.arrow":   arrowOf(false, x, n, nil, []string{"a", long}),
	} {
		path := put(t, name, data)
		_, err := Read(path, Options{Pick: []string{"y"}})
		refused(t, name, path, err, "column 3 (y): row 1: text of more than 1024 bytes")
	}
	c := cells{column: &Column{}, texts: map[string]string{}, limit: 200}
	for k := range 3 {
		if err := c.text(bytes.Repeat([]byte{byte('a' + k)}, 10)); (err != nil) != (k == 2) {
			t.Errorf("text %d: %v", k, err)
		}
	}
}
