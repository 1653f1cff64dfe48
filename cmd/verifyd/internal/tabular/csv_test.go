package tabular

import (
	"slices"
	"strings"
	"testing"
)

func TestACSVIsReadWithAndWithoutNames(t *testing.T) {
	for _, c := range []struct {
		name, text string
		o          Options
	}{
		{"names found", "a,y,b\n1,7,2\n3,8,-4e0\n", Options{Pick: []string{"y"}}},
		{"a byte order mark, CRLF, spaces and quotes", "\uFEFFa, y ,b\r\n1, 7 ,2\r\n\"3\",8,-4\r\n", Options{Pick: []string{"y"}, Header: Yes}},
		{"no names", "1.0,7,2\n3,8,-4\n", Options{Pick: []string{"2"}, Header: No}},
		{"numbers for names", "1,2,3\n1,7,2\n3,8,-4\n", Options{Pick: []string{"2"}, Header: Yes}},
		{"counted backwards", "1,7,2\n3,8,-4", Options{Pick: []string{"-2"}}},
		{"semicolons", "a;y;b\n1;7;2\n3;8;-4\n", Options{Pick: []string{"y"}}},
		{"tabs", "a\ty\tb\n1\t7\t2\n3\t8\t-4\n", Options{Pick: []string{"y"}}},
		{"decimal commas", "a;y;b\n1,0;7;2\n3;8;-4,00\n", Options{Pick: []string{"y"}, DecimalComma: true}},
		{"an index that is left out", ",a,y,b\n0,1,7,2\n1,3,8,-4\n", Options{Pick: []string{"y"}, Index: Drop}},
		{"R's table", "a,y,b\nr1,1,7,2\nr2,3,8,-4\n", Options{Pick: []string{"y"}, Index: Drop}},
		{"a column that is left out", "a,d,y,b\n1,no number,7,2\n3,,8,-4\n", Options{Pick: []string{"y"}, Drop: []string{"d"}}},
		{"a name that is asked for", "0,y,1\n1,7,2\n3,8,-4\n", Options{Pick: []string{"y"}}},
		{"separators within quotes", "\"a;1\",y,b\n1,7,2\n3,8,-4\n", Options{Pick: []string{"y"}}},
	} {
		got, err := Read(put(t, "a.csv", []byte(c.text)), c.o)
		if err != nil || got.Rows != 2 || got.Cols != 2 || !slices.Equal(got.F, []float32{1, 2, 3, -4}) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
			continue
		}
		if names, classes := classesOf(t, got.Picked[0]); !slices.Equal(names, []string{"7", "8"}) || !slices.Equal(classes, []int32{0, 1}) {
			t.Errorf("%s: labels %q", c.name, names)
		}
	}
}

func TestAFirstLineThatMayBeNamesIsNeverGuessed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"pandas' names for columns without names", "0,1,2\n5,6,7\n", "counts from 0"},
		{"R's", "1,2,3\n5,6,7\n", "counts from 1"},
		{"years", "2019,2020,2021\n5,6,7\n", "holds years"},
		{"an unnamed index", ",a,b\n0,1,2\n1,3,4\n", "--index-column drop leaves it out"},
		{"an index that pandas read and wrote again", "Unnamed: 0,a,b\n0,1,2\n1,3,4\n", "--index-column drop leaves it out"},
		{"R's row names", "a,b\nr1,1,2\nr2,3,4\n", "--index-column drop leaves it out"},
		{"a column without a name", "a,,b\n0,1,2\n1,3,4\n", "column 2 has no name"},
		{"a name twice", "a,b,a\n0,1,2\n", `column "a" is there twice`},
		{"scikit-learn's line of sizes", "150,4,setosa,versicolor,virginica\n5.1,3.5,1.4,0.2,0\n", "say --header yes or no"},
		{"a cell without a value in the first row", "NA,5,3\n1,2,4\n", "say --header yes or no"},
		{"text above text", "a,b\nc,d\n", "cannot be told"},
		{"names and years", "name,2019,2020\n1,2,3\n", "say --header yes or no"},
		{"two separators", "a;b,c\n1;2,3\n", "which of them separates is not clear: say --separator"},
	} {
		path := put(t, "a.csv", []byte(c.text))
		_, err := Read(path, Options{})
		refused(t, c.name, path, err, c.want)
		if strings.Contains(c.want, "--header") {
			if _, err := Read(path, Options{Header: Yes}); err != nil && strings.Contains(err.Error(), "say --header") {
				t.Errorf("%s: with the flag still %v", c.name, err)
			}
		}
	}
}

func TestACSVThatIsNotStrictIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"ragged", "a,b\n1,2\n3\n", "line 3: 1 fields, line 1 has 2"},
		{"NaN", "a,b\nNaN,2\n", "line 2 (row 0): column 1 (a): missing"},
		{"NaN at first", "nan,2.5\n1,2\n", "line 1 (row 0): column 1: missing"},
		{"NA", "a,b\n1,2\nNA,3\n", "line 3 (row 1): column 1 (a): missing"},
		{"infinity", "a,b\n3,-Inf\n", "line 2 (row 0): column 2 (b): -Inf is not finite"},
		{"out of range", "a\n1e39\n", "line 2 (row 0): column 1 (a): 1e+39 is beyond the range"},
		{"far out of range", "a\n1e999\n", "line 2 (row 0): column 1 (a)"},
		{"a gap", "a,b\n3,\n", "line 2 (row 0): column 2 (b): missing"},
		{"text", "a,b\n1,2\n3,four\n", `line 3 (row 1): column 2 (b): "four" is not a number`},
		{"hexadecimal", "a,b\n1,2\n3,0x1p4\n", "not a number"},
		{"underscores", "a,b\n1,2\n3,1_000\n", "not a number"},
		{"thousands", "a,b\n1,2\n3,\"1,000,000\"\n", "separators of thousands must be removed"},
		{"Swiss thousands", "a,b\n1,2\n3,1'000.5\n", "separators of thousands must be removed"},
		{"a decimal comma", "a,b\n1,2\n3,\"1,5\"\n", "--decimal-comma"},
		{"a boolean among numbers", "a,b\n1,2\n3,True\n", `"True" among numbers`},
		{"a number among booleans", "a,b\n1,false\n3,1\n", `"1" among booleans`},
		{"an open quote", "a,b\n1,2\n\"3,4\n", "line"},
		{"names only", "a,b\n", "nothing follows it"},
		{"nothing", "", "no row"},
		{"UTF-16", "\xff\xfea\x00,\x00", "UTF-16"},
		{"carriage returns", "a,b\r1,2\r", "carriage return"},
		{"more than the limit", "a,b\n" + strings.Repeat("1,2\n", 200), "the limit is 400"},
	} {
		path := put(t, "a.csv", []byte(c.text))
		_, err := Read(path, Options{Limit: 400})
		refused(t, c.name, path, err, c.want)
	}
	for _, column := range []string{"z", "0", "4", "-4", "a"} {
		if _, err := Read(put(t, "a.csv", []byte("a,b,a\n1,2,3\n")), Options{Pick: []string{column}}); err == nil {
			t.Errorf("column %q was found", column)
		}
	}
	path := put(t, "a.csv", []byte("a;b\n1.5;2\n"))
	_, err := Read(path, Options{DecimalComma: true})
	refused(t, "a point among decimal commas", path, err, "has a point where commas are decimal")
}

// A field of two bytes is a string of sixteen, and a place.
func TestALineOfACSVIsBoundedBeforeItIsCutIntoFields(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"fields", strings.Repeat("1,", MaxCols+(1<<16)) + "\n", "a line has more than 1048576 fields"},
		{"fields over many lines", strings.Repeat("\"a\n\",", MaxCols+(1<<16)) + "\n", "a line has more than 1048576 fields"},
		{"a quote that is not closed", "\"" + strings.Repeat("a,\n", maxLine/3+1), "a line is longer than 67108864 bytes"},
	} {
		path := put(t, "a.csv", []byte(c.text))
		_, err := Read(path, Options{Header: No})
		refused(t, c.name, path, err, c.want)
	}
	wide := strings.Repeat("\"1\",", MaxCols-1) + "1\n"
	if got, err := Read(put(t, "a.csv", []byte(wide+wide)), Options{Header: No}); err != nil || got.Cols != MaxCols {
		t.Errorf("as many columns as there may be: %v", err)
	}
}

func TestBooleansOfACSVAreFeatures(t *testing.T) {
	got, err := Read(put(t, "a.csv", []byte("a,b\nTrue,1\nFalse,0.5\n")), Options{})
	if err != nil || !slices.Equal(got.F, []float32{1, 1, 0, 0.5}) || got.Types[0] != "booleans" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheNumberOfRowsTellsWhetherAColumnHasAName(t *testing.T) {
	for text, rows := range map[string]int{"0\n1\n0\n": 3, "0\n1\n0": 2, "ann\nbob\n": 2, "owner\nann\nbob\n": 2, "2020\n7\n": 1} {
		c, err := ReadColumn(put(t, "y.csv", []byte(text)), rows, Options{})
		if err != nil || c.Rows() != rows {
			t.Errorf("%q for %d rows: %v", text, rows, err)
		}
	}
	path := put(t, "y.csv", []byte("0\n1\n0\n"))
	_, err := ReadColumn(path, 5, Options{})
	refused(t, "too few", path, err, "3 lines, want 5")
	path = put(t, "y.csv", []byte("a,b\n0,1\n"))
	_, err = ReadColumn(path, 1, Options{})
	refused(t, "two columns", path, err, "2 columns: which one is meant is not said")
	c, err := ReadColumn(put(t, "y.csv", []byte(",y\n0,a\n1,b\n")), 2, Options{Index: Drop})
	if err != nil || c.Name != "y" || c.Rows() != 2 {
		t.Errorf("beside an index: %v, %v", c, err)
	}
}

func TestResultsAreWrittenAsCSV(t *testing.T) {
	var b strings.Builder
	rows := slices.Values([][]string{{"0", "-1"}, {"1", "a,b"}})
	if err := WriteCSV(&b, []string{"player", "value"}, rows); err != nil || b.String() != "player,value\n0,-1\n1,\"a,b\"\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if err := WriteCSV(&b, []string{"player"}, rows); err == nil {
		t.Error("a ragged result was written")
	}
}
