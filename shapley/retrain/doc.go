// Package retrain is the data game by retraining: what rows of data, or those who brought them, were worth
// for a small model that is trained anew on each coalition's rows.
//
// Models are logistic (two classes or more) and linear. All models of a batch share the rows: one product gives
// the logits of all of them, kernels.LogisticResidual the residuals of those rows that each has, a second product the
// gradients. Steps are Newton's with a fixed bound of the Hessian of all rows (Boehning and Lindsay, "Monotonicity of
// quadratic-approximation algorithms", 1988), which bounds that of every subset, accelerated as Nesterov's are; their
// number is fixed, so a coalition's model does not depend on the batch that it was in.
//
// The objective of a coalition is that of scikit-learn's LogisticRegression: the sum of its rows' losses
// and Decay/2 times the squared norm of the weights, the intercept left out there and included here.
// Features are standardised by the mean and deviation of all training rows. The empty coalition has the
// model of zeros, which predicts each class alike and so is right by 1/classes of every row, or the target 0.
//
// New makes the game; OutOfBag is the Data-OOB value of each row.
//
// The package never chooses rows, never looks at a file, and no float leaves it.
package retrain
