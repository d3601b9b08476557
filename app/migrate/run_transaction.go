package migrate

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// settleConstraints does for the deferred constraints what COMMIT does: it checks them, and has each wait
// again as it was made to. SET CONSTRAINTS ALL would also hold for constraints that the script makes
// later. A name that several constraints of a schema have, deferred and not, cannot be set for one of
// them: those are checked when the change is committed.
const settleConstraints = `DO $migrate$
DECLARE
	to_check text;
	to_defer text;
BEGIN
	SELECT pg_catalog.string_agg(k.name, ', '), pg_catalog.string_agg(k.name, ', ') FILTER (WHERE k.waits)
	  INTO to_check, to_defer
	  FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name, pg_catalog.bool_and(c.condeferred) AS waits
	          FROM pg_catalog.pg_constraint c
	          JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
	         WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
	           AND (n.nspname !~ '^pg_temp_' OR n.oid = pg_catalog.pg_my_temp_schema())
	         GROUP BY n.nspname, c.conname
	        HAVING pg_catalog.bool_and(c.condeferrable) AND pg_catalog.bool_and(c.condeferred) = pg_catalog.bool_or(c.condeferred)) AS k;
	IF to_check IS NOT NULL THEN
		EXECUTE 'SET CONSTRAINTS ' || to_check || ' IMMEDIATE';
	END IF;
	IF to_defer IS NOT NULL THEN
		EXECUTE 'SET CONSTRAINTS ' || to_defer || ' DEFERRED';
	END IF;
END $migrate$`

// setting reads which setting a SET or RESET is about.
var setting = regexp.MustCompile(`(?is)^(?:set|reset)\s+(?:(?:local|session)\s+)?("?[\w.]+"?(?:\s+(?:zone|authorization)\b)?)`)

// settingNames are the names that RESET knows settings by, where SET has another.
var settingNames = map[string]string{"timezone": "TIME ZONE", "time zone": "TIME ZONE", "role": "ROLE", "authorization": "SESSION AUTHORIZATION",
	"session authorization": "SESSION AUTHORIZATION", "session_authorization": "SESSION AUTHORIZATION", "names": "client_encoding", "schema": "search_path", "xml": "xmloption"}

func settingName(sql string) string {
	found := setting.FindStringSubmatch(sql)
	if found == nil {
		return "ALL" // a comment is in the way: RESET ALL is sure to take it back
	}
	name := strings.ToLower(strings.Join(strings.Fields(strings.Trim(found[1], `"`)), " "))
	if known := settingNames[name]; known != "" {
		return known
	}
	if name == "all" {
		return "ALL"
	}
	return name
}

// noteSetting keeps which settings the open transaction has for itself, and where it got them.
func (r *runner) noteSetting(st statement) {
	w := append(slices.Clone(st.words), "", "", "")
	name := settingName(st.sql)
	switch {
	case w[0] == "set" && w[1] == "local" && w[2] != "transaction":
		if r.began > 0 {
			r.local[name] = st.line
		}
	case w[0] == "reset" && name == "ALL": // which leaves the roles as they are
		maps.DeleteFunc(r.local, func(name string, _ int) bool { return name != "ROLE" && name != "SESSION AUTHORIZATION" })
	case w[0] == "set", w[0] == "reset":
		delete(r.local, name)
	}
}

// settingStays refuses a setting that SET LOCAL gave a transaction and that would outlive its COMMIT.
func (r *runner) settingStays() error {
	names := slices.SortedFunc(maps.Keys(r.local), func(a, b string) int { return cmp.Compare(r.local[a], r.local[b]) })
	return r.fault(statement{line: r.local[names[0]]}, "this SET LOCAL would stay in force after COMMIT, because a change is one transaction; put RESET %s before COMMIT, or the comment \"-- %s\" first in the script", names[0], noTransactionMarker)
}

// onlyInTransaction tells whether a statement does nothing, but for a warning, outside a transaction.
func onlyInTransaction(w []string) bool {
	return w[0] == "set" && (w[1] == "local" || w[1] == "constraints" || w[1] == "transaction")
}
