package utility

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Options of a game of a process.
type Options struct {
	Patience time.Duration // for the first line and for each answer; 0 is for ever
	// Again is how many coalitions there are to one that was asked for before and is asked for again, to see whether the answer is
	// the same; 0 is none.
	Again int
}

// Game is the game that a process plays. Its utilities are asked for one question at a time.
type Game struct {
	hello   *Hello
	names   []string
	root    merkle.Hash
	conn    *Conn
	o       Options
	asked   uint64 // questions
	repeats repeats
	failed  error // after which nothing is asked
}

// Open hears what a process plays.
func Open(ctx context.Context, c *Conn, o Options) (*Game, error) {
	line, err := c.send(ctx, nil, maxHello, o.Patience)
	if err != nil {
		return nil, err
	}
	h, err := parseHello(line)
	if err != nil {
		c.stop()
		return nil, &Error{Kind: Protocol, Reason: err.Error()}
	}
	g := &Game{hello: h, names: h.players(), conn: c, o: o}
	g.root, err = Root(g.names, h.facts(), g.Details())
	return g, err
}

// Players is how many there are.
func (g *Game) Players() int { return g.hello.Players }

// Names are the players'.
func (g *Game) Names() []string { return g.names }

// Facts are what the process declared.
func (g *Game) Facts() shapley.Facts { return g.hello.facts() }

// AtOnce is how many coalitions the process takes in a question: an interrupted run loses no more than those.
func (g *Game) AtOnce() int { return g.hello.Batch }

// Details are what a certificate says of the game.
func (g *Game) Details() Details { return Details{g.hello.Name} }

// Root commits to what the process declared.
func (g *Game) Root() merkle.Hash { return g.root }

// Begin says from which seed it is drawn what is asked for again, and which utilities an interrupted run has already: the
// first two are those of nobody and of everybody, and the latter is asked for again at once.
func (g *Game) Begin(seed shapley.Seed, known []int64) {
	g.repeats = repeats{seed: seed, every: g.o.Again, n: g.Players(), kept: map[string]int64{}}
	if len(known) >= 2 {
		g.repeats.keep(shapley.NewCoalition(g.Players()), known[0])
		g.repeats.keep(shapley.Everyone(g.Players()), known[1])
	}
}

// Utilities asks the process, in questions of at most AtOnce coalitions and a few that it has answered before. Any error is the
// end of the game.
func (g *Game) Utilities(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	for lo := 0; lo < len(coalitions); lo += g.hello.Batch {
		hi := min(lo+g.hello.Batch, len(coalitions))
		if g.failed == nil {
			g.failed = g.question(ctx, coalitions[lo:hi], out[lo:hi])
		}
		if g.failed != nil {
			return g.failed
		}
	}
	return nil
}

func (g *Game) question(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	all := append(append([]shapley.Coalition{}, coalitions...), g.repeats.draw(len(coalitions))...)
	q := question{Ask: g.asked, Coalitions: make([]string, len(all))}
	g.asked++
	for k, c := range all {
		q.Coalitions[k] = bitmap(c, g.Players())
	}
	text, err := json.Marshal(q)
	if err != nil {
		return err
	}
	line, err := g.conn.send(ctx, append(text, '\n'), limitOf(len(all)), g.o.Patience)
	if err != nil {
		return g.about(err, all)
	}
	u, err := parseAnswer(bytes.TrimSuffix(line, []byte("\r")), q.Ask, all, g.names)
	if err != nil {
		g.conn.stop()
		return err
	}
	for k, c := range all {
		if err := g.judge(c, u[k]); err != nil {
			g.conn.stop()
			return err
		}
	}
	copy(out, u)
	return nil
}

// about says which coalition an error is about, if a question had just one.
func (g *Game) about(err error, all []shapley.Coalition) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if e.names = g.names; len(all) == 1 {
		e.Coalition = all[0].Clone()
	} else {
		e.Reason += fmt.Sprintf("; question %d of %d coalitions", g.asked-1, len(all))
	}
	return e
}

// judge holds an answer against what was declared and against what was answered before.
func (g *Game) judge(c shapley.Coalition, u int64) error {
	if b := g.hello.bounds; b != nil && (u < b.Low || u > b.High) {
		return &Error{TooLarge, c.Clone(), fmt.Sprintf("%s is outside the bounds that were declared, %s to %s", text(u), text(b.Low), text(b.High)), g.names}
	}
	before, known := g.repeats.kept[key(c)]
	if known && before != u {
		return &Error{Differs, c.Clone(), fmt.Sprintf("%s now, %s before: a utility must depend on the coalition alone", text(u), text(before)), g.names}
	}
	g.repeats.keep(c, u)
	return nil
}

// text is a utility as a decimal number.
func text(u int64) string {
	sign := ""
	if u < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%09d", sign, u/shapley.Unit, u%shapley.Unit)
}
