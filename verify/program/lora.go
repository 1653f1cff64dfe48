package program

import "slices"

// LoRA puts a product of two thin matrices beside each Linear node that on names, and freezes all that g has: what is
// trained is the adapters (Hu et al., 2021). Beside NAME are NAME.lora_A, of rank outputs and PyTorch's start, and NAME.lora_B,
// which starts at zero, so that training begins with the model that g is; NAME.lora adds them and takes NAME's place.
func LoRA(g Graph, rank int, on func(name string) bool) Graph {
	b := &builder{}
	instead := make(map[string]string)
	frozen := slices.Clone(g.Frozen)
	walked, err := g.Walk()
	for i, n := range g.Nodes {
		in := slices.Clone(n.Inputs)
		for k, name := range in {
			if other, ok := instead[name]; ok {
				in[k] = other
			}
		}
		b.add(n.Name, n.Op, in...)
		if err == nil { // else Compile says it of the result, too
			for _, t := range walked[i].Params {
				frozen = append(frozen, t.Name)
			}
		}
		base, ok := n.Op.(Linear)
		if !ok || !on(n.Name) {
			continue
		}
		b.add(n.Name+".lora_A", Linear{Out: rank}, in...)
		b.chain(n.Name+".lora_B", Linear{Out: base.Out, Zero: true})
		instead[n.Name] = b.add(n.Name+".lora", Add{}, n.Name, b.last())
	}
	slices.Sort(frozen)
	return Graph{Nodes: b.nodes, Tied: slices.Clone(g.Tied), Frozen: slices.Compact(frozen)}
}
