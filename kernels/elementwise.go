package kernels

// mapOperands are the buffers of an operator that maps one tensor to another.
func mapOperands(n int) []Operand {
	return []Operand{{"x", F32, n, In}, {"y", F32, n, Out}}
}

// gradOperands are the buffers of the gradient of a map that needs the map's input.
func gradOperands(n int) []Operand {
	return []Operand{{"x", F32, n, In}, {"dy", F32, n, In}, {"dx", F32, n, Out}}
}

// gradFromOutputOperands are the buffers of the gradient of a map that needs the map's output.
func gradFromOutputOperands(n int) []Operand {
	return []Operand{{"y", F32, n, In}, {"dy", F32, n, In}, {"dx", F32, n, Out}}
}

// onePhase is the answer of pieces for an operator of a single phase.
func onePhase(phase, pieces int) int {
	if phase > 0 {
		return 0
	}
	return pieces
}

// rowsPerPiece is how many rows of cols elements make one piece.
func rowsPerPiece(cols int) int { return max(1, elementPiece/max(1, cols)) }

// rowPieces cuts rows of cols elements into pieces of whole rows.
func rowPieces(rows, cols int) int {
	n := rowsPerPiece(cols)
	return (rows + n - 1) / n
}

// rowRange is the half-open range of rows in piece i.
func rowRange(i, rows, cols int) (lo, hi int) {
	n := rowsPerPiece(cols)
	return i * n, min((i+1)*n, rows)
}
