package infra

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
)

type statement struct {
	Sid, Effect      string
	Action, Resource oneOrMany
	Condition        map[string]any
}

// oneOrMany is a JSON string or a list of strings, as IAM writes them.
type oneOrMany []string

// UnmarshalJSON reads either.
func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// covers tells whether the statement is about a resource: IAM's "*" stands for any characters, slashes and colons too.
func (s statement) covers(resource string) bool {
	return slices.ContainsFunc(s.Resource, func(pattern string) bool {
		return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(resource)
	})
}

// parse reads a policy.
func parse(t *testing.T, text string) []statement {
	t.Helper()
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return policy.Statement
}

// What may say "*", because AWS accepts nothing else there: by Sid, with the reason beside each in the module.
var (
	anyResource = []string{
		"SeeTheSubnets", "NotFromInsideTheFunction", // EC2 describes nothing narrower; a refusal may be wide
		"AccountAdministrators", "LogGroupsOfThisEnvironment", "AlarmsToTheirTopic", // a key's policy: "*" is this key
		"Describe", "SeeNetworkInterfaces", "MakeTheKey", "AccessLogDelivery", "CompositeAlarms", // bootstrap: no resource to name
	}
	anyAction = []string{"AccountAdministrators", "TLSOnly"} // the key must stay manageable; a refusal may be wide
)

// checkPolicies reads every policy that a plan knows whole: no action and no resource may be a wildcard without a reason.
func checkPolicies(t *testing.T, plan *terraform.PlanStruct) {
	t.Helper()
	for address, resource := range plan.ResourcePlannedValuesMap {
		for _, attribute := range []string{"policy", "assume_role_policy"} {
			text, ok := resource.AttributeValues[attribute].(string)
			if !ok || text == "" {
				continue
			}
			checkPolicy(t, address+"."+attribute, text)
		}
	}
}

func checkPolicy(t *testing.T, where, text string) {
	t.Helper()
	all := parse(t, text)
	if len(all) == 0 {
		t.Errorf("%s allows nothing: %s", where, text)
	}
	for _, s := range all {
		for _, action := range s.Action {
			if strings.Contains(action, "*") && !slices.Contains(anyAction, s.Sid) {
				t.Errorf("%s: %s allows %s", where, s.Sid, action)
			}
		}
		if slices.Contains(s.Resource, "*") && !slices.Contains(anyResource, s.Sid) {
			t.Errorf("%s: %s is about every resource", where, s.Sid)
		}
	}
}
