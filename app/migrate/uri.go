package migrate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	schemeForm    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9.+\-]*:`)
	authorityForm = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9.+\-]*:)?//([^/?#]*)(.*)$`)
	plainHostForm = regexp.MustCompile(`^([A-Za-z0-9!$'()*+,;:._~=&%-]*@)?[A-Za-z0-9._~-]*(:[0-9]*)?$`)
	rareURNForm   = regexp.MustCompile(`(?i)^urn:(isbn|oid)(:|$)`)
	escapeForm    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// defaultPorts are the schemes whose host is compared without case and whose port may be left out.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21", "ssh": "22", "sftp": "22"}

// rareSchemes are those that Perl's URI module has rules of their own for, beside the ones here.
// Nobody names a project with them, so that their rules are not repeated here.
var rareSchemes = words(`cassandra cockroach cockroachdb couch couchdb cubrid data db db2 derby exasol file firebird gopher hive
	impala informix ingres interbase ldap ldapdb ldapi ldaps maria mariadb max maxdb mms monet monetdb mongo mongodb mssql mysql
	news nntp nntps oracle pg pgsql pgxc pop postgres postgresql postgresxc redshift rlogin rsync rtsp rtspu sip sips snews
	snowflake sqlite sqlite3 sqlserver sybase telnet teradata tn3270 unify vertica yugabyte yugabytedb`)

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

const unreservedMarks = "-_.!~*'()"

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(unreservedMarks, c) >= 0
}

// unwrapURI takes away what people put around a URI in a text.
func unwrapURI(s string) string {
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") && len(s) > 1 {
		s = strings.TrimPrefix(s[1:len(s)-1], "URL:")
	}
	if len(s) > 1 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		s = s[1 : len(s)-1]
	}
	return strings.TrimSpace(s)
}

// checkURI refuses what Perl's URI module would rewrite by rules that are not repeated here: a wrong
// guess would give every change another id than Sqitch's. It returns what was expected instead.
func checkURI(s string) (expected string, ok bool) {
	s = unwrapURI(s)
	scheme := strings.ToLower(strings.TrimSuffix(schemeForm.FindString(s), ":"))
	m := authorityForm.FindStringSubmatch(s)
	switch {
	case rareSchemes[scheme], rareURNForm.MatchString(s):
		return "a web address, https://host/path", false
	case strings.ContainsAny(s, "[]"):
		return "no brackets: %5B and %5D in their place, or a host name", false
	case m != nil && !plainHostForm.MatchString(m[2]):
		return "a host name of letters, digits, dots and hyphens (a foreign one in its ASCII form, xn--…), and a port of digits", false
	}
	return "", true
}

// registeredURI is the text of the %uri pragma as the registry keeps it: unwrapped, and with every
// character that a URI cannot have escaped.
func registeredURI(s string) string {
	s = unwrapURI(s)
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) || strings.IndexByte(";/?:@&=+$,%", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// canonicalURI is the form of a registered URI that ids contain: scheme and host in lower case, no
// default port, no needless escapes, "/" for the empty path of the web.
func canonicalURI(s string) string {
	scheme := strings.ToLower(strings.TrimSuffix(schemeForm.FindString(s), ":"))
	if scheme != "" {
		s = scheme + s[len(scheme):]
	}
	s = escapeForm.ReplaceAllStringFunc(s, func(e string) string {
		code, err := strconv.ParseUint(e[1:], 16, 8)
		if err == nil && isUnreserved(byte(code)) {
			return string(rune(code))
		}
		return strings.ToUpper(e)
	})
	if scheme == "urn" {
		return canonicalURN(s)
	}
	port, known := defaultPorts[scheme]
	m := authorityForm.FindStringSubmatch(s)
	if !known || m == nil {
		return s
	}
	user, host := "", m[2]
	if at := strings.LastIndex(host, "@"); at >= 0 {
		user, host = host[:at+1], host[at+1:]
	}
	if bare, p, ok := strings.Cut(host, ":"); ok && (p == "" || strings.TrimLeft(p, "0") == port) {
		host = bare
	}
	rest := m[3]
	if rest == "" && strings.HasPrefix(scheme, "http") {
		rest = "/"
	}
	return m[1] + "//" + user + strings.ToLower(host) + rest
}

// canonicalURN writes the name space of urn:NAMESPACE:… in lower case.
func canonicalURN(s string) string {
	space, name, named := strings.Cut(strings.TrimPrefix(s, "urn:"), ":")
	if strings.Contains(space, "%") {
		return s
	}
	s = "urn:" + strings.ToLower(space)
	if named {
		s += ":" + name
	}
	return s
}
