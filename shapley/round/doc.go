// Package round is the game of one round of federated training: what each worker's update was worth for
// the loss or the accuracy on committed validation rows.
//
// The parameters of a coalition S are w0 plus, for its members in ascending order, a_i*d_i: the update
// d_i times the fixed weight a_i = n_i/(n_1+...+n_n) over all the players, members or not. A player
// without an update is then worth exactly 0, and halves of a player with its update are worth what it is; halves whose updates
// differ are not, and package robust prepares a round against that. Within-subset
// averaging (FedSV, GTG-Shapley) is there as Options.Renormalised, for comparison only: it pays free riders.
//
// Utilities are integers. A coalition's loss is the sum of the rows' losses, each rounded to 1e-9, so it
// depends neither on how rows are cut into batches nor on threads or instruction sets.
//
// New makes the game; Game implements shapley.Game. SecondOrder is the closed form of its quadratic
// surrogate, from two gradients more than one: no coalition is evaluated but that of all players.
// NewSurrogate is that surrogate as a game, a control variate.
//
// On a device whose memory is not this process' all updates lie there: kernels.CoalitionSum makes the models of several
// coalitions, whose losses come back.
//
// The package never trains, never trusts an update (it refuses what is not finite or does not fit), and
// never decides who may be a player or what is paid.
package round
