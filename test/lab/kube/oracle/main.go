// Answers the scenarios of apply.golden.jsonl with Kubernetes's own library, to compare ours with:
//
//	go run . <client-go>/applyconfigurations/internal/internal.go < ../apply.golden.jsonl > answered.jsonl
//
// Each line is a scenario; each of its steps gets the library's answer.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"log"
	"os"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

type step struct {
	Op      string `json:"op"`
	Manager string `json:"manager"`
	Force   bool   `json:"force"`
	Object  any    `json:"object"`
	Answer  answer `json:"answer"`
}

type answer struct {
	Conflicts []string                   `json:"conflicts"`
	Object    any                        `json:"object"`
	Managers  map[string]json.RawMessage `json:"managers"`
}

type scenario struct {
	Type  string `json:"type"`
	Steps []step `json:"steps"`
}

// One version only, so nothing is converted.
type sameVersion struct{}

func (sameVersion) Convert(o *typed.TypedValue, _ fieldpath.APIVersion) (*typed.TypedValue, error) {
	return o, nil
}

func (sameVersion) IsMissingVersionError(error) bool { return false }

func main() {
	source, err := os.ReadFile(os.Args[1])
	check(err)
	text := string(source)
	text = text[strings.Index(text, "YAMLObject(`")+len("YAMLObject(`") : strings.LastIndex(text, "`)")]
	parser, err := typed.NewParser(typed.YAMLObject(text))
	check(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var s scenario
		check(json.Unmarshal(lines.Bytes(), &s))
		var as typed.ParseableType = typed.DeducedParseableType
		if s.Type != "deduced" {
			as = parser.Type("io.k8s.api." + s.Type)
		}
		play(as, s.Steps)
		check(out.Encode(s))
	}
}

func play(as typed.ParseableType, steps []step) {
	updater := (&merge.UpdaterBuilder{Converter: sameVersion{}}).BuildUpdater()
	managers := fieldpath.ManagedFields{}
	live, err := as.FromUnstructured(map[string]any{})
	check(err)
	for i := range steps {
		s := &steps[i]
		object, err := as.FromUnstructured(s.Object, typed.AllowDuplicates)
		check(err)
		s.Answer = answer{Conflicts: []string{}, Managers: map[string]json.RawMessage{}}
		if s.Op == "apply" {
			next, after, err := updater.Apply(live, object, "v1", managers.Copy(), s.Manager, s.Force)
			var conflicts merge.Conflicts
			if errors.As(err, &conflicts) {
				for _, c := range conflicts {
					s.Answer.Conflicts = append(s.Answer.Conflicts, c.Manager+" "+c.Path.String())
				}
			} else {
				check(err)
				managers = after
				if next != nil {
					live = next
				}
			}
		} else {
			live, managers, err = updater.Update(live, object, "v1", managers.Copy(), s.Manager)
			check(err)
		}
		s.Answer.Object = live.AsValue().Unstructured()
		for name, owned := range managers {
			s.Answer.Managers[name], err = owned.Set().ToJSON()
			check(err)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
