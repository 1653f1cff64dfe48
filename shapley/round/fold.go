package round

// foldBlock is what stays in the first-level cache while the members' terms go by.
const foldBlock = 4096

// fold sets dst[e] to ((base[e] + w[0]*terms[0][e]) + w[1]*terms[1][e]) + ..., every product and every
// sum rounded to float32: a function of the terms in their order alone. All have the length of dst.
func fold(dst, base []float32, terms [][]float32, w []float32) {
	for lo := 0; lo < len(dst); lo += foldBlock {
		hi := min(lo+foldBlock, len(dst))
		d := dst[lo:hi]
		copy(d, base[lo:hi])
		k := 0
		for ; k+4 <= len(terms); k += 4 {
			fold4(d, terms[k][lo:hi], terms[k+1][lo:hi], terms[k+2][lo:hi], terms[k+3][lo:hi], w[k], w[k+1], w[k+2], w[k+3])
		}
		for ; k < len(terms); k++ {
			t, wk := terms[k][lo:hi], w[k]
			for e := range d {
				d[e] += float32(wk * t[e])
			}
		}
	}
}

// fold4 adds four terms, one after another.
func fold4(d, a, b, c, e []float32, wa, wb, wc, we float32) {
	a, b, c, e = a[:len(d)], b[:len(d)], c[:len(d)], e[:len(d)]
	for i, v := range d {
		v += float32(wa * a[i])
		v += float32(wb * b[i])
		v += float32(wc * c[i])
		v += float32(we * e[i])
		d[i] = v
	}
}

// addRows adds bias to each row of x.
func addRows(x, bias []float32) {
	for ; len(x) >= len(bias); x = x[len(bias):] {
		row := x[:len(bias)]
		for j, b := range bias {
			row[j] += b
		}
	}
}
