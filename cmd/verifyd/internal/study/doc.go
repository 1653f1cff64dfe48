// Package study measures what the literature and the design of package shapley promise, on real digits, on games with known values
// and on data made by published laws: errors of estimators, coverage of intervals, what free riders get,
// how well values find mislabelled rows.
//
// Every number follows from constants in this package: the same table on every machine. Where a promise is
// missed the row says so.
//
// The package never times anything: see bench/valuation for that.
package study
