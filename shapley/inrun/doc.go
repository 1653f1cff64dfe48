// Package inrun values training samples during the training itself: In-Run Data Shapley (Wang, Mittal,
// Song and Jia, "Data Shapley in one training run", arXiv 2406.11011). Values belong to the one run that is
// trained or replayed; no model is trained again.
//
// A step of SGD moves the parameters w by X, the rate times the mean gradient of the batch. With U(S) = L(w) -
// L(w - X_S), where L is the validation loss and X_S the part of X due to the samples S, a sample's Shapley value
// is, to first order in the rate, g.X_i, and to second order (g - H.X/2).X_i, with g and H the gradient and
// Hessian of L at w. Values of a run are sums over its steps. Momentum, Adam and weight decay are
// left out of X, as the paper does: there the values are of a proxy, and the residual says what it
// leaves unexplained.
//
// No gradient of a sample is ever formed. Where all layers are Linear and validation rows are few, inner products
// of gradients are those of pairs of rows, layer by layer (the paper's ghost dot product). Otherwise, with z_i the
// outputs for sample i and L_i its loss, g_i.v is (dL_i/dz_i).(dz_i/dw).v, and the second factor is the difference
// of z_i between w + e*v and w, divided by e: one more forward pass values the whole batch, whatever the layers
// are, dropout included. In the second order v is (g(w) + g(w-X))/2, which is g - H.X/2 by the trapezoid rule
// and costs one more gradient on the validation rows.
//
// Accumulator.Step takes the place of Machine.Gradients. It changes no bit of the run: what it
// perturbs is a machine of its own. Contributions are rounded to 2^-64 and summed as integers, so values do
// not depend on threads, instruction sets, or on how many steps are seen in one go.
//
// The package never chooses validation rows and never says who a sample's owner is. Whoever knows the
// validation rows can train for them: commit to them, and draw them, before anybody trains.
package inrun
