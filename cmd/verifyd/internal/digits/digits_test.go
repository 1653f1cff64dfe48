package digits

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// published is the SHA-256 of sklearn/datasets/data/digits.csv.gz in
// scikit-learn 1.9.1.
const published = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"

func TestTheDataIsThePublishedFile(t *testing.T) {
	if got := fmt.Sprintf("%x", sha256.Sum256(file)); got != published {
		t.Errorf("sha256 %s, want %s", got, published)
	}
}

func TestEveryDigitIsThereAboutAsOften(t *testing.T) {
	images, labels, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != Count*Pixels || len(labels) != Count {
		t.Fatalf("%d pixels, %d labels", len(images), len(labels))
	}
	var train, test [Classes]int
	for i, label := range labels {
		if i < Trained {
			train[label]++
		} else {
			test[label]++
		}
	}
	for d := range Classes {
		if train[d] < 130 || test[d] < 30 {
			t.Errorf("digit %d: %d to train on, %d to test on", d, train[d], test[d])
		}
	}
}
