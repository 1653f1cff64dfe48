package sql

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed schema/postgres.sql
var postgresSchema string

//go:embed schema/sqlite.sql
var sqliteSchema string

// Dialect is a kind of database.
type Dialect struct {
	schema   string
	numbered bool // parameters are $1, $2, ... instead of ?
}

// Postgres is PostgreSQL 12 and newer.
func Postgres() Dialect { return Dialect{schema: postgresSchema, numbered: true} }

// SQLite is SQLite 3.37 and newer. Its connections need a busy timeout if several appliers share a file.
func SQLite() Dialect { return Dialect{schema: sqliteSchema} }

// query writes the parameters of a statement, which are question marks, as the database wants them.
func (d Dialect) query(text string) string {
	if !d.numbered {
		return text
	}
	var b strings.Builder
	n := 0
	for _, c := range text {
		if c != '?' {
			b.WriteRune(c)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// rows are the parameters of n rows with so many columns.
func rows(n, columns int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + ")"
	return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}
