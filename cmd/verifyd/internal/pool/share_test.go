package pool_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// career is a worker at a desk whose job draws 1 to 4 of 4 segments and holds pay for 3 claims.
type career struct {
	*rig
	*testing.T
	desk  *pool.Desk
	claim map[uint32]merkle.Hash // by slot, those received
	now   time.Time
}

func newCareer(t *testing.T) *career {
	r := newRig(t)
	o := pool.Offer{
		Program: r.program, Profile: kernels.ProfileF32, Data: r.data, Pool: "test", Audience: "urn:db:test",
		Steps: 8, Stride: 2, Sampled: job.Range{Least: 1, Most: 4}, Slots: 16, Audit: job.Millionths, Hold: 3, Period: time.Hour, Deadline: time.Minute, Issued: arrived.Add(-time.Hour),
		Seed: 7, Beacon: beacon.Fixed, Secret: [32]byte{1},
	}
	c := &career{r, t, nil, map[uint32]merkle.Hash{}, arrived}
	offered := must(o.Sign(t.Context(), r.devices.First(), r.operator))(t)
	r.curve = offered.Curve
	c.desk = r.desk(t, offered.File, nil)
	c.desk.Clock = func() time.Time { return c.now }
	return c
}

func (c *career) slot(n uint32) registry.Slot {
	return registry.Slot{Job: c.desk.Terms.Digest, Worker: must(document.NewKey(c.worker.Public()))(c.T).ID(), Slot: n}
}

// receive does the work of a slot and returns how much of its claim will be drawn.
func (c *career) receive(n uint32) uint32 {
	c.Helper()
	file := must(c.desk.Assign(c.Context(), c.slot(n).Worker, n, nil, nil, merkle.Hash{5}))(c.T).File
	a, _, err := c.desk.Terms.ReadAssignment(file)
	if err != nil {
		c.Fatal(err)
	}
	dir := filepath.Join(c.TempDir(), "trace")
	summary := must(verify.Train(c.Context(), verify.Work{Terms: c.desk.Terms, Data: c.data, Device: c.devices.First(), Assignment: a}, dir))(c.T)
	claim := must(verify.Claim(c.desk.Terms, summary, n, c.worker))(c.T)
	_, c.claim[n], err = c.desk.Terms.ReadClaim(claim)
	if err != nil {
		c.Fatal(err)
	}
	opened := must(trace.Read(dir, c.desk.Terms.Trace()))(c.T)
	defer opened.Close()
	c.now = c.now.Add(time.Second)
	return must(c.desk.Receive(c.Context(), claim, opened.Leaves(), 0))(c.T).Sampled
}

// judge records what became of a slot's claim, as a job that holds its pay for an hour would.
func (c *career) judge(n uint32, o verify.Outcome) {
	c.Helper()
	arrived := c.now.Unix()
	c.now = c.now.Add(time.Second)
	_, err := c.desk.Registry.Judge(pool.Member(c.desk.Terms, c.slot(n)), registry.Judgement{
		Slot: c.slot(n), Claim: c.claim[n], Outcome: o, Work: pool.Work(c.desk.Terms),
		Hold: c.desk.Terms.Job.Hold, Until: c.now.Add(time.Hour).Unix(), Arrived: arrived, Recorded: c.now.Unix(),
	})
	if err != nil {
		c.Fatal(err)
	}
}

// pass lets the claims of the first slots pass, one by one.
func (c *career) pass(slots uint32) *career {
	for n := range slots {
		c.receive(n)
		c.judge(n, verify.Pass)
	}
	return c
}

func (c *career) want(n, drawn uint32, why string) {
	c.Helper()
	if got := c.receive(n); got != drawn {
		c.Errorf("%s: %d segments of slot %d, want %d", why, got, n, drawn)
	}
}

func TestANewKeyIsDrawnWholeAndARecordLowersIt(t *testing.T) {
	c := newCareer(t)
	c.want(0, 4, "nothing to lose")
	c.judge(0, verify.Pass)
	c.want(1, 2, "one claim held")
	c.judge(1, verify.Pass)
	c.want(2, 2, "two held")
	c.judge(2, verify.Pass)
	c.want(3, 1, "three held")
	c.judge(3, verify.Pass)
	c.want(4, 1, "no more than three are held")
	c.judge(4, verify.Fail)
	c.want(5, 4, "a FAIL voided all")
	c.judge(5, verify.Inconclusive)
	c.want(6, 4, "what is not decided is nothing to lose")
}

func TestClaimsThatAreToBeJudgedAreNoRecord(t *testing.T) {
	c := newCareer(t).pass(3)
	c.want(3, 1, "three held, none in flight")
	c.want(4, 2, "one in flight")
	c.want(5, 2, "two in flight")
	c.want(6, 4, "three in flight: as if nothing were held")
	c.want(7, 4, "more of them")
}

func TestPayThatIsHeldNoMoreIsNoRecord(t *testing.T) {
	c := newCareer(t).pass(3)
	c.now = c.now.Add(2 * time.Hour)
	c.want(3, 4, "all is paid: who comes back has nothing to lose")
}

func TestPayThatIsReleasedBeforeTheClaimCanBeJudgedIsNoRecord(t *testing.T) {
	c := newCareer(t).pass(3)
	// The worker waits until a lie would be found out after its pay is released.
	c.now = c.now.Add(time.Hour - 30*time.Second)
	c.want(3, 4, "released before this claim must be opened")
}

func TestWhatArrivedBeforeAFailIsNoRecord(t *testing.T) {
	c := newCareer(t)
	for n := range uint32(3) {
		c.receive(n)
	}
	early := c.now
	c.judge(0, verify.Fail)
	// The others arrived before it, and pass after it.
	for n := uint32(1); n < 3; n++ {
		_, err := c.desk.Registry.Judge(pool.Member(c.desk.Terms, c.slot(n)), registry.Judgement{
			Slot: c.slot(n), Claim: c.claim[n], Outcome: verify.Pass, Work: pool.Work(c.desk.Terms),
			Hold: 3, Until: c.now.Add(time.Hour).Unix(), Arrived: early.Unix(), Recorded: c.now.Unix() + int64(n),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.want(3, 4, "what was in flight when it failed is void too")
}

func TestAReceiptThatIsAskedForAgainIsDrawnAlike(t *testing.T) {
	c := newCareer(t)
	c.want(0, 4, "nothing to lose")
	c.judge(0, verify.Pass)
	c.want(0, 4, "the one receipt that there is")
}
