package cli

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/utility"
	"github.com/verifyd/verifyd/verify/fault"
)

// With --messages json each line on standard error is one JSON document of one of four kinds: of package slog's, which has "msg";
// {"note": TEXT}; {"progress": ...}; and, last if at all, {"error": ...}.

// structured says whether messages are for programs.
func (a *app) structured() bool { return a.messages == "json" }

// tell writes one message for programs. There is nobody to tell if standard error is gone.
func (a *app) tell(kind string, value any) {
	if data, err := json.Marshal(map[string]any{kind: value}); err == nil {
		_, _ = line{a}.Write(append(data, '\n'))
	}
}

// failure is an error as programs read it.
type failure struct {
	Kind    string `json:"kind"`              // a class of package fault, a kind of package utility, usage, interrupted or refused
	Message string `json:"message"`           // what people read
	File    string `json:"file,omitempty"`    // as it was named
	Field   string `json:"field,omitempty"`   // where in it, or which flag
	Limit   string `json:"limit,omitempty"`   // that was not kept, "LOW to HIGH" or one number
	Hint    string `json:"hint,omitempty"`    // what to do about it
	Members []int  `json:"members,omitempty"` // of the coalition that it is about, players from 0
	About   bool   `json:"coalition"`         // it is about a coalition, of nobody if there are no members
	Exit    int    `json:"exit"`
}

// failureOf is an error as programs read it.
func failureOf(err error, exit int) failure {
	f := failure{Kind: "refused", Message: messageOf(err), Exit: exit}
	var refused *fault.Error
	var asked *utility.Error
	var usage usageError
	var h *hinted
	if errors.As(err, &h) {
		f.Hint = h.hint
	}
	switch {
	case errors.As(err, &asked):
		f.Kind, f.Message = string(asked.Kind), asked.Error() // where the run was says nothing beside
		if f.About = asked.Coalition != nil; f.About {
			f.Members = asked.Members()
		}
	case errors.As(err, &usage) || exit == exitUsage:
		f.Kind = "usage"
	case errors.As(err, &refused):
		f.Kind, f.File, f.Field = string(fault.Of(err)), refused.File, refused.Field
	case fault.Of(err) != fault.Internal:
		f.Kind = string(fault.Of(err))
	}
	if f.Field == "" {
		f.Field = fieldOf(strings.TrimPrefix(f.Message, f.File+": "))
	}
	f.Limit = limitOf(f.Message)
	return f
}

// What a message says of the place and of the limit, in the words that all packages here use for them.
var (
	place   = regexp.MustCompile(`^(?:(?:line|row|column|label|labels|targets|training row|test row|member|array|tensor|header|shape|rows|columns|size|length|budget|level|learners|players)\b[^:]*: )+`)
	flagged = regexp.MustCompile(`^--[a-z-]+`)
	limits  = regexp.MustCompile(`\bis outside (?:the )?(-?[0-9.e+]+ to -?[0-9.e+]+)|\blimit (?:is |of )?(-?[0-9.]+)`)
)

func fieldOf(message string) string {
	if flag := flagged.FindString(message); flag != "" {
		return flag
	}
	return strings.TrimSuffix(place.FindString(message), ": ")
}

func limitOf(message string) string {
	m := limits.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// steps tells programs how far work is, at most ten times a second and at its end.
func (a *app) steps(what string) func(done, total uint64) {
	type step struct {
		What  string `json:"what"`
		Done  uint64 `json:"done"`
		Total uint64 `json:"total"`
	}
	var last time.Time
	return func(done, total uint64) {
		if now := time.Now(); done >= total || now.Sub(last) >= 100*time.Millisecond {
			last = now
			a.tell("progress", step{what, done, total})
		}
	}
}
