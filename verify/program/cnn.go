package program

import "fmt"

// CNNConfig describes a convolutional classifier of images.
type CNNConfig struct {
	InChannels, Height, Width int   // of an image
	Channels                  []int // output channels of the 3x3 convolutions
	Classes                   int
	Dropout                   float64 // before the last layer; none if 0
}

// CNN builds 3x3 convolutions with padding 1 (conv1, conv2, ...), each with a ReLU, then one 2x2 max
// pool and a linear layer (fc).
func CNN(c CNNConfig) Graph {
	b := &builder{}
	b.add("x", Input{Type: F32, Shape: []int{c.InChannels, c.Height, c.Width}})
	for i, out := range c.Channels {
		b.chain(fmt.Sprintf("conv%d", i+1), Conv2D{Out: out, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Padding: [2]int{1, 1}, Bias: true})
		b.chain(fmt.Sprintf("relu%d", i+1), ReLU{})
	}
	b.chain("pool", MaxPool2D{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}})
	b.chain("flatten", Flatten{})
	if c.Dropout > 0 {
		b.chain("dropout", Dropout{P: c.Dropout})
	}
	b.chain("fc", Linear{Out: c.Classes, Bias: true})
	return Graph{Nodes: b.nodes}
}
