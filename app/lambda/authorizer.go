package lambda

import (
	"bytes"
	"encoding/json"
)

// authorizer is what the gateway's own check of the caller left. Other authorizers put members of
// their own here, of any type: those are passed over.
type authorizer struct {
	IAM struct {
		UserARN string `json:"userArn"`
	}
	Claims map[string]string // of a token that a JWT authorizer checked
}

// UnmarshalJSON reads the members that are as documented and leaves the rest empty.
func (a *authorizer) UnmarshalJSON(data []byte) error {
	var members struct {
		IAM    json.RawMessage `json:"iam"`
		JWT    json.RawMessage `json:"jwt"`
		Claims json.RawMessage `json:"claims"` // payload 1.0 has no "jwt" around them
	}
	var jwt struct {
		Claims map[string]claim `json:"claims"`
	}
	read(data, &members)
	if !read(members.IAM, &a.IAM) {
		a.IAM.UserARN = ""
	}
	if !read(members.JWT, &jwt) {
		read(members.Claims, &jwt.Claims)
	}
	for name, value := range jwt.Claims {
		if a.Claims == nil {
			a.Claims = map[string]string{}
		}
		a.Claims[name] = string(value)
	}
	return nil
}

// read says whether data, which may be missing, is of the form of into.
func read(data []byte, into any) bool { return json.Unmarshal(data, into) == nil }

// claim is one claim as text: gateways send strings, and lists as "[a b]"; what else comes stays as
// its JSON.
type claim string

// UnmarshalJSON takes any value.
func (c *claim) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = claim(text)
		return nil
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, data)
	*c = claim(compact.String())
	return err
}
