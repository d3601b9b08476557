package migrate

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// registryVersion is the version of Sqitch's registry that this package reads and writes.
const registryVersion = "1.1"

// A registryTable is a table of the registry. Each column is its name, its definition and its
// comment. The registry is Sqitch's: names, types, constraints and comments are what its releases
// 1.0 and later create, so that a dump shows no difference.
type registryTable struct {
	name, comment string
	columns       [][3]string
	constraints   []string
}

const (
	requiredText = "TEXT NOT NULL"
	timestamp    = "TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()"
	plannedTime  = "TIMESTAMPTZ NOT NULL"
	noteText     = "TEXT NOT NULL DEFAULT ''"
	projectRef   = "TEXT NOT NULL REFERENCES @.projects(project) ON UPDATE CASCADE"
	namesArray   = "TEXT[] NOT NULL DEFAULT '{}'"
)

var registryTables = []registryTable{
	{"releases", "Sqitch registry releases.", [][3]string{
		{"version", "REAL PRIMARY KEY", "Version of the Sqitch registry."},
		{"installed_at", timestamp, "Date the registry release was installed."},
		{"installer_name", requiredText, "Name of the user who installed the registry release."},
		{"installer_email", requiredText, "Email address of the user who installed the registry release."},
	}, nil},
	{"projects", "Sqitch projects deployed to this database.", [][3]string{
		{"project", "TEXT PRIMARY KEY", "Unique Name of a project."},
		{"uri", "TEXT NULL UNIQUE", "Optional project URI"},
		{"created_at", timestamp, "Date the project was added to the database."},
		{"creator_name", requiredText, "Name of the user who added the project."},
		{"creator_email", requiredText, "Email address of the user who added the project."},
	}, nil},
	{"changes", "Tracks the changes currently deployed to the database.", [][3]string{
		{"change_id", "TEXT PRIMARY KEY", "Change primary key."},
		{"script_hash", "TEXT NULL", "Deploy script SHA-1 hash."},
		{"change", requiredText, "Name of a deployed change."},
		{"project", projectRef, "Name of the Sqitch project to which the change belongs."},
		{"note", noteText, "Description of the change."},
		{"committed_at", timestamp, "Date the change was deployed."},
		{"committer_name", requiredText, "Name of the user who deployed the change."},
		{"committer_email", requiredText, "Email address of the user who deployed the change."},
		{"planned_at", plannedTime, "Date the change was added to the plan."},
		{"planner_name", requiredText, "Name of the user who planed the change."},
		{"planner_email", requiredText, "Email address of the user who planned the change."},
	}, []string{"UNIQUE (project, script_hash)"}},
	{"tags", "Tracks the tags currently applied to the database.", [][3]string{
		{"tag_id", "TEXT PRIMARY KEY", "Tag primary key."},
		{"tag", requiredText, "Project-unique tag name."},
		{"project", projectRef, "Name of the Sqitch project to which the tag belongs."},
		{"change_id", "TEXT NOT NULL REFERENCES @.changes(change_id) ON UPDATE CASCADE", "ID of last change deployed before the tag was applied."},
		{"note", noteText, "Description of the tag."},
		{"committed_at", timestamp, "Date the tag was applied to the database."},
		{"committer_name", requiredText, "Name of the user who applied the tag."},
		{"committer_email", requiredText, "Email address of the user who applied the tag."},
		{"planned_at", plannedTime, "Date the tag was added to the plan."},
		{"planner_name", requiredText, "Name of the user who planed the tag."},
		{"planner_email", requiredText, "Email address of the user who planned the tag."},
	}, []string{"UNIQUE (project, tag)"}},
	{"dependencies", "Tracks the currently satisfied dependencies.", [][3]string{
		{"change_id", "TEXT NOT NULL REFERENCES @.changes(change_id) ON UPDATE CASCADE ON DELETE CASCADE", "ID of the depending change."},
		{"type", requiredText, "Type of dependency."},
		{"dependency", requiredText, "Dependency name."},
		{"dependency_id", "TEXT NULL REFERENCES @.changes(change_id) ON UPDATE CASCADE", "Change ID the dependency resolves to."},
	}, []string{
		"CONSTRAINT dependencies_check CHECK ((type = 'require' AND dependency_id IS NOT NULL) OR (type = 'conflict' AND dependency_id IS NULL))",
		"PRIMARY KEY (change_id, dependency)",
	}},
	{"events", "Contains full history of all deployment events.", [][3]string{
		{"event", "TEXT NOT NULL CONSTRAINT events_event_check CHECK (event IN ('deploy', 'revert', 'fail', 'merge'))", "Type of event."},
		{"change_id", requiredText, "Change ID."},
		{"change", requiredText, "Change name."},
		{"project", projectRef, "Name of the Sqitch project to which the change belongs."},
		{"note", noteText, "Description of the change."},
		{"requires", namesArray, "Array of the names of required changes."},
		{"conflicts", namesArray, "Array of the names of conflicting changes."},
		{"tags", namesArray, "Tags associated with the change."},
		{"committed_at", timestamp, "Date the event was committed."},
		{"committer_name", requiredText, "Name of the user who committed the event."},
		{"committer_email", requiredText, "Email address of the user who committed the event."},
		{"planned_at", plannedTime, "Date the event was added to the plan."},
		{"planner_name", requiredText, "Name of the user who planed the change."},
		{"planner_email", requiredText, "Email address of the user who plan planned the change."},
	}, []string{"PRIMARY KEY (change_id, committed_at)"}},
}

// registryDDL creates the registry in a schema.
func registryDDL(schema string) string {
	name := pgx.Identifier{schema}.Sanitize()
	var b strings.Builder
	fmt.Fprintf(&b, "SET LOCAL client_min_messages = warning;\nCREATE SCHEMA IF NOT EXISTS %s;\n", name)
	fmt.Fprintf(&b, "COMMENT ON SCHEMA %s IS 'Sqitch database deployment metadata v%s.';\n", name, registryVersion)
	for _, t := range registryTables {
		var parts []string
		for _, c := range t.columns {
			parts = append(parts, c[0]+" "+c[1])
		}
		parts = append(parts, t.constraints...)
		fmt.Fprintf(&b, "CREATE TABLE @.%s (%s);\n", t.name, strings.Join(parts, ", "))
		fmt.Fprintf(&b, "COMMENT ON TABLE @.%s IS '%s';\n", t.name, t.comment)
		for _, c := range t.columns {
			fmt.Fprintf(&b, "COMMENT ON COLUMN @.%s.%s IS '%s';\n", t.name, c[0], c[2])
		}
	}
	return strings.ReplaceAll(b.String(), "@.", name+".")
}
