package tools

// Tfsec is the scanner of the Terraform modules. Its rules are inside, so that the same code gets the same findings
// everywhere.
var Tfsec = Program{Name: "tfsec", Version: "v1.26.0", Package: "github.com/aquasecurity/tfsec/cmd/tfsec", Patience: "about two minutes"}
