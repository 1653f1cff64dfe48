package tabular

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
)

// Classes maps the labels of training and test rows to classes 0 to C-1, in the order in which they first appear in the
// training rows and then in the test rows. So the classes depend on which rows have the same label and on nothing else: the
// same data with other codes for their labels have the same classes, and hence the same values. Names are the labels as
// people wrote them.
//
// Labels are whole numbers, booleans or text. Those of a CSV are numbers if all of both files are, booleans if all are
// true or false, and text otherwise. Rows that are all of one class are refused, whatever game they are for: values would say how
// many there are.
func Classes(train, test *Column) (names []string, trainClasses, testClasses []int32, err error) {
	keys, ids, kind, err := distinct([]*Column{train, test})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, k := range keys {
		names = append(names, k.spelling(kind))
	}
	if len(names) == 1 {
		return nil, nil, nil, oneClass(train, names[0])
	}
	return names, ids[0], ids[1], nil
}

// oneClass is an error about a column whose cells, and those of the other files, are all one label.
func oneClass(c *Column, label string) error {
	return fault.New(fault.OutOfRange, c.File, "", "labels: all rows are of one class, %.40q: there is nothing to tell apart", label)
}

// Owners maps the owner of each row to a player: owners that are numbers in ascending order, others in the order in which
// they first appear.
func Owners(c *Column) (names []string, players []int32, err error) {
	keys, ids, kind, err := distinct([]*Column{c})
	if err != nil {
		return nil, nil, err
	}
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	if kind == Whole {
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a].i, keys[b].i) })
	}
	at := make([]int32, len(keys))
	for p, k := range order {
		at[k] = int32(p)
		names = append(names, keys[k].spelling(kind))
	}
	for r, k := range ids[0] {
		ids[0][r] = at[k]
	}
	return names, ids[0], nil
}

// distinct numbers the different cells of columns, from 0 as they appear.
func distinct(columns []*Column) (keys []key, ids [][]int32, kind Kind, err error) {
	if kind, err = kindOf(columns); err != nil {
		return nil, nil, 0, err
	}
	seen := map[key]int32{}
	for _, c := range columns {
		to := make([]int32, c.Rows())
		for r := range to {
			k, err := c.key(r, kind)
			if err != nil {
				return nil, nil, 0, c.at(r, err)
			}
			id, ok := seen[k]
			if !ok {
				if len(keys) == math.MaxInt32 {
					return nil, nil, 0, c.at(r, fmt.Errorf("more than %d different cells", math.MaxInt32))
				}
				id = int32(len(keys))
				seen[k], keys = id, append(keys, k)
			}
			to[r] = id
		}
		ids = append(ids, to)
	}
	return keys, ids, kind, nil
}

// kindOf is what the cells of columns are read as together: Whole, Boolean or Text.
func kindOf(columns []*Column) (Kind, error) {
	var spelled []*Column
	var first *Column
	kind := Spelled
	for _, c := range columns {
		own := c.Kind
		switch own {
		case Spelled:
			spelled = append(spelled, c)
			continue
		case Real:
			own = Whole
		}
		if first == nil {
			first, kind = c, own
		} else if own != kind {
			return 0, fault.New(fault.WrongType, c.File, "", "column %.40s: %s, %s has %s", c.Name, c.Kind, first.File, first.Kind)
		}
	}
	if kind == Spelled {
		return spelledAs(spelled), nil
	}
	return kind, nil
}
