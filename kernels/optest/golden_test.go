package optest

import "testing"

func TestEveryCodePathGivesTheGoldenVectors(t *testing.T) {
	backends := machines(t, 2)
	vectors := Vectors()
	if len(vectors) < 15 {
		t.Fatalf("%d golden vectors", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.String(), func(t *testing.T) {
			for _, b := range backends {
				if err := v.Check(b); err != nil {
					t.Errorf("%s: %v", b.Name(), err)
				}
			}
		})
	}
}
