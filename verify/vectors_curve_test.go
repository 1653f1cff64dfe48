package verify_test

import (
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// curves are vectors of the gate and of the curve that a job may name.
func (g *generator) curves() {
	const jobFile, curve = verify.JobFile, verify.CurveFile
	g.one("job_gate", "a measure of work that is none", fault.UnknownVersion, jobFile, "gate", g.job(func(j *job.Job) { j.Gate = "verifyd-gate/2" }))
	g.one("job_no_gate", "work that nobody measures", fault.UnknownVersion, jobFile, "gate", g.job(func(j *job.Job) { j.Gate = "" }))
	g.add("curve_missing", "no curve", fault.Missing, curve, "", nil, "remove", curve)

	add := func(name, note string, class fault.Class, field string, file []byte) {
		named := g.job(func(j *job.Job) { j.Curve = gate.Digest(file) })
		g.add(name, note, class, curve, field, map[string][]byte{jobFile: named, curve: file})
	}
	good := g.curve(func(*gate.Curve) {})
	g.add("curve_other", "another curve than the job names", fault.WrongDigest, curve, "",
		map[string][]byte{curve: good})
	add("curve_truncated", "without its end", fault.BadForm, "", good[:len(good)-9])
	add("curve_spaced", "a space before it", fault.NotCanonical, "", append([]byte(" "), good...))
	add("curve_next_version", "of version 2", fault.UnknownVersion, "version", g.curve(func(c *gate.Curve) { c.Version = "verifyd-curve/2" }))
	add("curve_gate", "of a measure of work that is none", fault.UnknownVersion, "gate", g.curve(func(c *gate.Curve) { c.Gate = "verifyd-gate/2" }))
	add("curve_program", "of another program", fault.WrongJob, "terms.program", g.curve(func(c *gate.Curve) { c.Terms.Program[0] ^= 1 }))
	add("curve_start", "from another start", fault.WrongJob, "terms.start", g.curve(func(c *gate.Curve) { c.Terms.Start[0] ^= 1 }))
	add("curve_points", "a point too few", fault.OutOfRange, "points", g.curve(func(c *gate.Curve) { c.Points = c.Points[1:] }))
	add("curve_products", "of steps with other products", fault.WrongJob, "points[0].rows", g.curve(func(*gate.Curve) {}))
	add("curve_rows", "a row too few in one point", fault.OutOfRange, "points[1].rows", g.curve(func(c *gate.Curve) { c.Points[1].Rows = c.Points[1].Rows[1:] }))
	add("curve_drowned", "more that drowns than there is", fault.OutOfRange, "points[1].drowned", g.curve(func(c *gate.Curve) { c.Points[1].Drowned = 1 }))
}

// curve is one for the bundle's job, altered.
func (g *generator) curve(alter func(*gate.Curve)) []byte {
	c := gate.Curve{Version: gate.CurveVersion, Gate: gate.Version, Seed: merkle.Hash{1}, Every: 1, Points: []gate.Point{
		{Totals: gate.Totals{Work: 9}, Rows: []uint32{3, 4}}, {Totals: gate.Totals{Work: 8}, Rows: []uint32{3, 2}},
	}}
	g.job(func(j *job.Job) {
		c.Terms = gate.Terms{
			Program: j.Program, Profile: j.Profile, Data: j.Data.Root, Start: j.Init.Root, Dropout: j.Seed, Steps: j.Steps, Stride: j.Stride,
		}
	})
	alter(&c)
	return g.encoded(c)
}
