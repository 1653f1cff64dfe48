package slices

// Cut returns the numbers of the slices at places of a state's tensors, as views of them: what [Reader.Next] returns of the
// same boundary.
func Cut(places []Place, tensors [][]float32) [][]float32 {
	const elements = chunkBytes / 4
	values := make([][]float32, len(places))
	for i, p := range places {
		rest := tensors[p.Tensor][p.Chunk*elements:]
		values[i] = rest[:min(elements, len(rest))]
	}
	return values
}
