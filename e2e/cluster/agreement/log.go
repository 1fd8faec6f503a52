// Package agreement compares the model's decisions, as recorded by hpa-check, with the controller's own log.
package agreement

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Sync is one sync in the controller's log at --v=4.
type Sync struct {
	// At is the time of the decision. A sync that fails before any proposal only has an error, which is logged after the
	// status was written.
	At time.Time
	// Proposed is the metrics' proposal; nil if there was none, below the minimum or above the maximum.
	Proposed *int
	// Desired is the decision; nil if the sync failed before deciding, or while applying the decision.
	Desired *int
	// Rescaled: it wrote the replicas, so its status shows.
	Rescaled bool
}

// decides reports whether the record can be that of this sync's status, which shows the replicas before and after; that of
// a failed sync can show any number. The API server rejects the status of some syncs that scale, and the next status
// then shows the new size as the one before, too.
func (s *Sync) decides(record *Record) bool {
	scales := record.Current != record.Desired
	return s.Desired == nil || *s.Desired == record.Desired && s.Rescaled == scales
}

func (s *Sync) decision() string {
	if s.Desired == nil {
		return "fails"
	}
	return fmt.Sprintf("decides %d", *s.Desired)
}

var (
	header = regexp.MustCompile(`^[IWE](\d{4} \d{2}:\d{2}:\d{2}\.\d{6}) +\d+ [^ \]]+\] (.*)$`)
	number = regexp.MustCompile(`\bdesiredReplicas=(-?\d+)`)
)

// ReadLog reads the decisions on one autoscaler. The log's times are local and lack the year, which is taken
// from now.
func ReadLog(log io.Reader, namespace, autoscaler, target string, now time.Time) ([]Sync, error) {
	ofTarget := `scaleTarget="` + target[:strings.Index(target, "/")] + "/" + namespace + target[strings.Index(target, "/"):] + `"`
	ofAutoscaler := `HPA="` + namespace + "/" + autoscaler + `"`
	// A sync with one failed and one working metric makes a decision, and its error does not start like this.
	failed := regexp.MustCompile(`err="failed to (query scale subresource for|rescale|compute desired number of replicas based on listed metrics for) ` +
		regexp.QuoteMeta(target[:strings.Index(target, "/")]+"/"+namespace+target[strings.Index(target, "/"):]) + `: `)
	var syncs []Sync
	var proposed *int
	var proposedAt time.Time
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		parts := header.FindStringSubmatch(lines.Text())
		if parts == nil {
			continue
		}
		at, err := time.ParseInLocation("0102 15:04:05.000000", parts[1], time.Local)
		if err != nil {
			continue
		}
		at = ofYear(at, now)
		text, desired := parts[2], number.FindStringSubmatch(parts[2])
		if strings.HasPrefix(text, `"Unhandled Error"`) && failed.MatchString(text) {
			if proposed != nil {
				at = proposedAt
			}
			syncs = append(syncs, Sync{At: at, Proposed: proposed})
			proposed = nil
			continue
		}
		if desired == nil {
			continue
		}
		n, err := strconv.Atoi(desired[1])
		if err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(text, `"Proposing desired replicas`) && strings.Contains(text, ofTarget):
			proposed, proposedAt = &n, at
		case strings.HasPrefix(text, `"Successfully rescaled"`) && strings.Contains(text, ofAutoscaler):
			syncs = append(syncs, Sync{At: at, Proposed: proposed, Desired: &n, Rescaled: true})
			proposed = nil
		case strings.HasPrefix(text, `"Decided not to scale"`) && strings.Contains(text, ofTarget):
			syncs = append(syncs, Sync{At: at, Proposed: proposed, Desired: &n})
			proposed = nil
		}
	}
	return syncs, lines.Err()
}

// ofYear adds the missing year to a time: the current one, or the previous one in a log from New Year's Eve.
func ofYear(at, now time.Time) time.Time {
	at = at.AddDate(now.Year(), 0, 0)
	if at.After(now.Add(24 * time.Hour)) {
		at = at.AddDate(-1, 0, 0)
	}
	return at
}

// Excerpt copies a namespace's lines from a log.
func Excerpt(log io.Reader, namespace string, into io.Writer) error {
	about := regexp.MustCompile(`[/"]` + regexp.QuoteMeta(namespace) + `[/"]`)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if about.Match(lines.Bytes()) {
			if _, err := into.Write(append(lines.Bytes(), '\n')); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}
