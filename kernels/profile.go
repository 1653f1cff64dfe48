package kernels

import (
	"errors"
	"fmt"
	"strings"
)

// Profile is a numeric profile of DRN-1: what a product is, contract.md section 2. It stands in the shape of every
// operator that is one, and changes no other. The set is closed.
//
// The zero Profile is none, and is refused wherever one is needed: the bits of a profile that nobody
// chose look like fraud.
type Profile uint8

const (
	// ProfileF32 is "drn1/f32", contract.md section 2.1: chains of binary32 fused multiply-adds.
	ProfileF32 Profile = iota + 1
)

// The GEMM order of section 2.1, in terms along K.
const (
	chunkF32 = 512  // terms of one chain of fused multiply-adds
	groupF32 = 8192 // terms of one fold of chunks
)

// profiles are the names, and the places where a sum is cut.
var profiles = [...]struct {
	name         string
	chunk, group int
}{
	ProfileF32: {"drn1/f32", chunkF32, groupF32},
}

// ErrProfile is the class of errors that mean that a numeric profile is not one of this version's.
var ErrProfile = errors.New("unknown numeric profile")

// Profiles lists all profiles.
func Profiles() []Profile {
	var all []Profile
	for p := range profiles[1:] {
		all = append(all, Profile(p+1))
	}
	return all
}

// ParseProfile is the profile of a name. An unknown name, the empty one too, is of class ErrProfile.
func ParseProfile(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, unknownProfile(fmt.Sprintf("%.60q", name))
}

// Check returns an error of class ErrProfile unless p is one of Profiles.
func (p Profile) Check() error {
	if p == 0 || int(p) >= len(profiles) {
		return unknownProfile(p.String())
	}
	return nil
}

func unknownProfile(got string) error {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.String())
	}
	return fmt.Errorf("%w %s, this version has %s", ErrProfile, got, strings.Join(names, ", "))
}

// String is the name that a job holds, such as "drn1/f32".
func (p Profile) String() string {
	switch {
	case p == 0:
		return "none"
	case int(p) >= len(profiles):
		return fmt.Sprintf("number %d", uint8(p))
	}
	return profiles[p].name
}

// MarshalText writes the name. It fails where Check does.
func (p Profile) MarshalText() ([]byte, error) { return []byte(p.String()), p.Check() }

// UnmarshalText is ParseProfile.
func (p *Profile) UnmarshalText(text []byte) (err error) {
	*p, err = ParseProfile(string(text))
	return err
}

// Chunk is the number of terms of a chunk, the smallest part of a sum that another block or worker
// may compute. p must be one of Profiles.
func (p Profile) Chunk() int { return profiles[p].chunk }

// Group is the number of terms of a group, a whole number of chunks. p must be one of Profiles.
func (p Profile) Group() int { return profiles[p].group }

// ProfileOf is the profile in op's shape; ok is false if op is no product.
func ProfileOf(op Operator) (p Profile, ok bool) {
	o, ok := op.(interface{ profile() Profile })
	if !ok {
		return 0, false
	}
	return o.profile(), true
}

func (o Gemm) profile() Profile          { return o.Profile }
func (s ConvShape) profile() Profile     { return s.Profile }
func (o Attention) profile() Profile     { return o.Profile }
func (o AttentionGrad) profile() Profile { return o.Profile }
func (o SDPA) profile() Profile          { return o.Profile }
func (o SDPAGrad) profile() Profile      { return o.Profile }
