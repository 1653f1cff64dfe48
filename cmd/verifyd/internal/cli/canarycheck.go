package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/canary"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// canaryOptions are what verdicts on canaries are held against.
type canaryOptions struct {
	operator           string   // file
	answers, verifiers []string // files
	bundles            []string // folders or archives
	maxMemory          size
}

func (a *app) canaryCheckCommand() *cobra.Command {
	var o canaryOptions
	cmd := &cobra.Command{
		Use:   "check VERDICT... --answer FILE --bundle BUNDLE --verifier KEY.pub --operator KEY.pub",
		Short: "Name the verifiers whose verdicts on canaries are not what they must be",
		Long: `check computes what each canary must be found to be, from its sealed answer and
the segments that the beacon drew of it, and holds the verdicts against that: a lie
that was not drawn counts as none. It replays each bundle with each verifier's key id
to see whether the verifier ran it.

lazy says PASS to everything; contrary accuses true claims; copying finds what others
did and leaves imprints that are not its own; wrong is wrong in some other way. The
exit code is 1 if any is named.`,
		Example: `  verifyd canary check verdicts/*.json --answer answers/1.json --bundle bundle1 \
      --answer answers/2.json --bundle bundle2 --verifier alice.pem.pub --verifier bob.pem.pub --operator operator.pem.pub`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.checkCanaries(cmd.Context(), args, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.operator, "operator", "", "operator's public key (PEM)")
	f.StringArrayVar(&o.answers, "answer", nil, "sealed answer of a canary; repeat")
	f.StringArrayVar(&o.bundles, "bundle", nil, "bundle of a canary; repeat")
	f.StringArrayVar(&o.verifiers, "verifier", nil, "public key (PEM) of a verifier that signed verdicts; repeat")
	memoryFlag(cmd, &o.maxMemory)
	require(cmd, "operator", "answer", "bundle", "verifier")
	return cmd
}

// slotName is what a canary, its bundle and the verdicts on it have in common.
type slotName struct {
	job, worker merkle.Hash
	slot        uint32
}

// tried is a canary with its bundle.
type tried struct {
	canary.Task
	bundle string
}

func (a *app) checkCanaries(ctx context.Context, verdicts []string, o canaryOptions) error {
	operator, err := readKey(o.operator, keys.Operator)
	if err != nil {
		return err
	}
	var verifiers []document.Key
	for _, file := range o.verifiers {
		key, err := readKey(file, keys.Verifier)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, key)
	}
	devices, err := a.devices(ctx)
	if err != nil {
		return err
	}
	all, err := o.tasks(ctx, devices.First(), operator)
	if err != nil {
		return err
	}
	for i, file := range verdicts {
		v, verifier, idle, err := readSigned(file, verifiers)
		if err != nil {
			return err
		}
		t := all[slotName{v.Finding.Job, v.Finding.Worker, v.Finding.Slot}]
		if t == nil {
			return fmt.Errorf("%s: on a claim of which no answer is given", file)
		}
		for _, said := range t.Said {
			if said.Verifier == verifier.ID() {
				return fmt.Errorf("%s: a second verdict of %v on the same claim", file, verifier.ID())
			}
		}
		if idle == nil {
			judge := a.judge(operator, verifier.ID(), verifyOptions{maxMemory: o.maxMemory}, devices)
			if idle, err = ran(ctx, judge, t.bundle, v, verifier); err != nil {
				return err
			}
		}
		t.Said = append(t.Said, canary.Said{Verifier: verifier.ID(), Verdict: v, Idle: idle})
		a.progress("checking")(uint64(i+1), uint64(len(verdicts)))
	}
	var tasks []canary.Task
	for _, t := range all {
		tasks = append(tasks, t.Task)
	}
	standings := canary.Review(tasks)
	if err := a.emit(standings, func(w io.Writer) { canaryText(w, standings) }); err != nil {
		return err
	}
	if len(canary.Named(standings)) > 0 {
		return exitWith(exitError)
	}
	return nil
}

// ran says why a verdict's imprints are not those of a replay by its verifier; an error is one of the check itself.
func ran(ctx context.Context, judge *pool.Judge, bundle string, v *verify.Verdict, verifier document.Key) (idle, err error) {
	found := judge.Check(ctx, bundle, v, verifier, nil)
	if class := fault.Of(found); found == nil || class == fault.WrongImprint || class == fault.WrongCase {
		return found, nil
	}
	return nil, found
}

// readSigned reads a verdict that one of the verifiers signed, and says why its imprints cannot be this verifier's; nil if
// they can.
func readSigned(file string, verifiers []document.Key) (v *verify.Verdict, by document.Key, idle, err error) {
	data, err := readFile(file, document.MaxSize)
	if err != nil {
		return nil, by, nil, err
	}
	for _, key := range verifiers {
		found, _, refused := document.Read[verify.Verdict](file, data, "verdict", key)
		if err = refused; err != nil {
			continue
		}
		if _, err = verify.ReadVerdict(file, data, key); fault.Of(err) == fault.WrongImprint {
			return &found, key, err, nil
		}
		return &found, key, nil, err
	}
	return nil, by, nil, err
}

// tasks reads the answers and the bundles, and computes what must be found.
func (o *canaryOptions) tasks(ctx context.Context, d engine.Device, operator document.Key) (map[slotName]*tried, error) {
	all := map[slotName]*tried{}
	for _, file := range o.answers {
		data, err := readFile(file, canary.MaxSize)
		if err != nil {
			return nil, err
		}
		answer, err := canary.Read(file, data)
		if err != nil {
			return nil, err
		}
		name := slotName{answer.Job, answer.Worker, answer.Slot}
		if all[name] != nil {
			return nil, fmt.Errorf("%s: a second answer to the same claim", file)
		}
		all[name] = &tried{Task: canary.Task{Answer: answer}}
	}
	for _, path := range o.bundles {
		if err := expect(ctx, path, d, operator, all); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, t := range all {
		if t.bundle == "" {
			return nil, fmt.Errorf("no bundle of worker %v, slot %d, is given", t.Answer.Worker, t.Answer.Slot)
		}
	}
	return all, nil
}

// expect reads what was drawn of the claim in a bundle, and measures on a device what that leads to.
func expect(ctx context.Context, path string, d engine.Device, operator document.Key, all map[slotName]*tried) error {
	bundle, err := verify.OpenBundle(path)
	if err != nil {
		return err
	}
	defer bundle.Close()
	c, err := verify.OpenCase(ctx, bundle, operator)
	if err != nil {
		return err
	}
	t := all[slotName{c.Terms.Digest, c.Claim.Worker.ID(), c.Claim.Slot}]
	switch {
	case t == nil:
		return errors.New("no answer to it is given")
	case t.bundle != "":
		return fmt.Errorf("a second bundle beside %s", t.bundle)
	case c.Claim.Root != t.Answer.Root:
		return fmt.Errorf("root %v, the answer is to %v", c.Claim.Root, t.Answer.Root)
	}
	t.bundle = path
	var order []uint64
	if c.Challenge.Audited {
		if order, err = c.Order(ctx, d); err != nil {
			return err
		}
	}
	t.Expected, err = t.Answer.Expect(c.Terms, c.Challenge, order)
	return err
}

func canaryText(w io.Writer, all []canary.Standing) {
	row(w, "verifier", "manner", "canaries", "right", "missed", "accused", "not run", "copied")
	for _, s := range all {
		row(w, s.Verifier, s.Manner, s.Tasks, s.Right, s.Missed, s.Accused, s.Idle, s.Copied)
	}
}
