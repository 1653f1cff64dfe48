// Package digits is the handwritten digits data set that the demonstration
// trains on: 1,797 grey images of 8x8 pixels and what each of them shows.
// ATTRIBUTION.md says where it comes from and on what terms.
package digits

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

const (
	// Count is the number of images.
	Count = 1797
	// Pixels is the number of pixels of an image, in rows of Side.
	Pixels = Side * Side
	// Side is an image's height and width.
	Side = 8
	// Classes is the number of labels: 0 to 9.
	Classes = 10
	// Trained is how many images, from the first, are for training. The rest
	// are for testing; other people wrote most of them.
	Trained = 1440

	maxPixel = 16
)

//go:embed digits.csv.gz
var file []byte

// Load returns the images, Count x Pixels row-major with values k/16 from 0 to
// 1 (each exact in float32), and their labels.
func Load() (images []float32, labels []int32, err error) {
	zr, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, nil, fmt.Errorf("digits: %w", err)
	}
	lines := bufio.NewScanner(zr)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ",")
		if len(fields) != Pixels+1 {
			return nil, nil, fmt.Errorf("digits: image %d has %d fields", len(labels), len(fields))
		}
		for i, field := range fields {
			limit := maxPixel
			if i == Pixels {
				limit = Classes - 1
			}
			v, err := strconv.Atoi(field)
			if err != nil || v < 0 || v > limit {
				return nil, nil, fmt.Errorf("digits: image %d field %d: %q is not in 0..%d", len(labels), i, field, limit)
			}
			if i == Pixels {
				labels = append(labels, int32(v))
			} else {
				images = append(images, float32(v)/maxPixel)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("digits: %w", err)
	}
	if len(labels) != Count {
		return nil, nil, fmt.Errorf("digits: %d images, want %d", len(labels), Count)
	}
	return images, labels, nil
}
