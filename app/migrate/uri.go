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
	escapeForm    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// defaultPorts are the schemes whose host is compared without case and whose port may be left out.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21", "ssh": "22", "sftp": "22", "gopher": "70", "telnet": "23", "rsync": "873", "rtsp": "554", "ldap": "389", "ldaps": "636"}

const unreservedMarks = "-_.!~*'()"

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(unreservedMarks, c) >= 0
}

// registeredURI is the text of the %uri pragma as the registry keeps it: unwrapped, and with every
// character that a URI cannot have escaped.
func registeredURI(s string) string {
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") && len(s) > 1 {
		s = strings.TrimPrefix(s[1:len(s)-1], "URL:")
	}
	if len(s) > 1 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		s = s[1 : len(s)-1]
	}
	s = strings.TrimSpace(s)
	hostFrom, hostTo := 0, 0
	if m := authorityForm.FindStringSubmatchIndex(s); m != nil {
		hostFrom, hostTo = m[4], m[5]
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		inHost := i >= hostFrom && i < hostTo && (c == '[' || c == ']')
		if isUnreserved(c) || strings.IndexByte(";/?:@&=+$,%", c) >= 0 || inHost {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// foreignHost tells whether the host has letters outside ASCII. Sqitch would rewrite them by the rules
// for domain names of 2003.
func foreignHost(s string) bool {
	m := authorityForm.FindStringSubmatch(s)
	return m != nil && strings.ContainsFunc(m[2], func(r rune) bool { return r >= 0x80 })
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
	port, known := defaultPorts[scheme]
	m := authorityForm.FindStringSubmatch(s)
	if !known || m == nil {
		return s
	}
	user, host := "", m[2]
	if at := strings.LastIndex(host, "@"); at >= 0 {
		user, host = host[:at+1], host[at+1:]
	}
	if bare, p, ok := cutPort(host); ok && (p == "" || p == port) {
		host = bare
	}
	rest := m[3]
	if rest == "" && strings.HasPrefix(scheme, "http") {
		rest = "/"
	}
	return m[1] + "//" + user + strings.ToLower(host) + rest
}

// cutPort splits host:port; the port may be empty.
func cutPort(host string) (bare, port string, ok bool) {
	i := strings.LastIndex(host, ":")
	if i < 0 || strings.Trim(host[i+1:], "0123456789") != "" {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}
