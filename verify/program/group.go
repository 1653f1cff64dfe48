package program

import (
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
)

// MaxGroups is the largest number of groups beside the program's own.
const MaxGroups = 256

// Group is parameters that are moved otherwise than the rest: biases without decay, or a backbone at a tenth of the head's rate. It
// says all of its optimizer and schedule: nothing is taken over from the program's.
type Group struct {
	Params    []string  `json:"params"`    // full names in ascending order, each in one group at most
	Optimizer Optimizer `json:"optimizer"` // of the program's kind
	Schedule  Schedule  `json:"schedule"`
}

// group is parameters that one call of a step moves.
type group struct {
	optimizer     Optimizer
	schedule      Schedule
	offset, words int // of the trained region
}

// checkGroups checks the numbers of each group, and that each says something else than those before it: else they are one.
func (p *Program) checkGroups() error {
	if n := len(p.Groups); n > MaxGroups {
		return fault.New(fault.TooLarge, "", "groups", "%d is above the limit %d", n, MaxGroups)
	}
	type rule struct {
		optimizer Optimizer
		schedule  Schedule
	}
	seen := map[rule]string{{p.Optimizer, p.Schedule}: "the program"}
	for i, g := range p.Groups {
		err := errors.Join(g.Optimizer.check(), g.Schedule.check())
		says := rule{g.Optimizer, g.Schedule}
		switch {
		case err != nil:
		case g.Optimizer.Kind != p.Optimizer.Kind:
			err = fault.New(fault.Unsupported, "", "optimizer: kind", "%q, the program's is %q: one kind for all groups", g.Optimizer.Kind, p.Optimizer.Kind)
		case seen[says] != "":
			err = outOfRange("", "its optimizer and schedule are those of %s: one group for all of these", seen[says])
		}
		if err != nil {
			return fault.Under(fmt.Sprintf("groups[%d]", i), err)
		}
		seen[says] = fmt.Sprintf("groups[%d]", i)
	}
	return nil
}

// join gives the tensors of a walked graph to the groups that name them. The program's own keeps the rest.
func (p *Program) join(walked []Walked) error {
	if len(p.Groups) == 0 {
		return nil
	}
	all, left := make(map[string]*tensor), 0
	for _, w := range walked {
		for _, t := range w.tensors {
			if all[t.spec.Name] == nil && t.class == trained {
				left++
			}
			all[t.spec.Name] = t
		}
	}
	for i, g := range p.Groups {
		at := fmt.Sprintf("groups[%d]: params", i)
		if len(g.Params) == 0 {
			return outOfRange(at, "none")
		}
		if i > 0 && g.Params[0] <= p.Groups[i-1].Params[0] {
			return outOfRange(at, "they begin with %.300q, those of the group before with %.300q: groups in ascending order", g.Params[0], p.Groups[i-1].Params[0])
		}
		for k, name := range g.Params {
			if err := p.joins(all[name], name, i); err != nil {
				return fault.Under(fmt.Sprintf("%s[%d]", at, k), err)
			}
			if k > 0 && name <= g.Params[k-1] {
				return outOfRange(fmt.Sprintf("%s[%d]", at, k), "%.300q does not come after %.300q: each once, in ascending order", name, g.Params[k-1])
			}
			left--
		}
	}
	if left == 0 {
		return outOfRange("groups", "they hold all parameters that are trained: one group is the program's own, and named by none")
	}
	return nil
}

// joins gives one tensor to a group.
func (p *Program) joins(t *tensor, name string, to int) error {
	tied := slices.IndexFunc(p.Graph.Tied, func(tie Tie) bool { return tie.Name == name })
	switch {
	case tied >= 0:
		return outOfRange("", "%.300q is tied to %.300q, which alone can be in a group", name, p.Graph.Tied[tied].As)
	case t == nil:
		return outOfRange("", "no parameter is called %.300q", name)
	case t.class == frozen:
		return outOfRange("", "%.300q is frozen", name)
	case t.class == kept:
		return outOfRange("", "%.300q is a buffer, which no optimizer moves", name)
	case t.group != 0 && t.group != to+1:
		return outOfRange("", "%.300q is in groups[%d] too", name, t.group-1)
	}
	t.group = to + 1
	return nil
}

// gather lays the trained parameters out group by group, the program's own first, each in state order.
func (plan *Plan) gather(p *Program) {
	r := &plan.trained
	r.words = 0
	for k, g := range append([]Group{{nil, p.Optimizer, p.Schedule}}, p.Groups...) {
		from := r.words
		for _, t := range r.tensors {
			if t.group == k {
				r.place(t)
			}
		}
		plan.groups = append(plan.groups, group{g.Optimizer, g.Schedule, from, r.words - from})
	}
}

// slots names the tensors that the optimizer keeps for parameters, and remembered are those for which it does.
func (p *Plan) slots() []string {
	for _, g := range p.groups {
		if s := g.optimizer.slots(); s != nil {
			return s
		}
	}
	return nil
}

func (p *Plan) remembered() *region {
	r := &region{words: p.trained.words}
	for _, t := range p.trained.tensors {
		if p.groups[t.group].optimizer.slots() != nil {
			r.tensors = append(r.tensors, t)
		}
	}
	return r
}

// Groups is the number of groups of parameters, the program's own included, which is group 0.
func (p *Plan) Groups() int { return len(p.groups) }

// GroupOf is the group of a parameter, by its place in Params.
func (p *Plan) GroupOf(param int) int { return p.trained.tensors[param].group }

// LearningRate is the rate of a group at step t.
func (p *Plan) LearningRate(group int, t uint64) float32 {
	return p.groups[group].schedule.At(p.first + t)
}

// Moves says whether the rate of a group at step t is above 0 and at least a hundredth of its schedule's highest.
func (p *Plan) Moves(group int, t uint64) bool {
	s := p.groups[group].schedule
	rate := p.LearningRate(group, t)
	return rate > 0 && float64(float64(rate)*100) >= float64(float32(s.Rate))
}
