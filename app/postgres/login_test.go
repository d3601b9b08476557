package postgres

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/jackc/pgx/v5"
)

func TestIAMTokensAreKeptForTenMinutes(t *testing.T) {
	t.Parallel()
	now, asked := time.Now(), 0
	l := &iamLogin{region: "us-east-1", now: func() time.Time { return now }, credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		asked++
		return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s", SessionToken: "session"}, nil
	})}
	token := func(host string) string {
		config := &pgx.ConnConfig{}
		config.Host, config.Port, config.User = host, 5432, "rifaapp_app"
		if err := l.apply(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		return config.Password
	}
	first := token("db.us-east-1.rds.amazonaws.com")
	parsed, err := url.Parse("https://" + first)
	if err != nil || parsed.Host != "db.us-east-1.rds.amazonaws.com:5432" || parsed.Query().Get("Action") != "connect" || parsed.Query().Get("DBUser") != "rifaapp_app" ||
		parsed.Query().Get("X-Amz-Expires") != "900" || parsed.Query().Get("X-Amz-Security-Token") != "session" {
		t.Errorf("got %s, %v", first, err)
	}
	if strings.Contains(l.signed.String(), "m=") {
		t.Errorf("the token's age is not that of the clock on the wall: %s", l.signed)
	}
	now = now.Add(tokenLifetime - time.Second)
	if token("db.us-east-1.rds.amazonaws.com") != first || asked != 1 {
		t.Errorf("signed anew after less than %s", tokenLifetime)
	}
	if token("replica.us-east-1.rds.amazonaws.com") == first || asked != 2 {
		t.Error("another server got the same token")
	}
	now = now.Add(tokenLifetime)
	if token("replica.us-east-1.rds.amazonaws.com"); asked != 3 {
		t.Errorf("not signed anew after %s", tokenLifetime)
	}
}

func TestIAMWithoutCredentialsSaysSo(t *testing.T) {
	t.Parallel()
	failing := IAMLogin("us-east-1", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("none here")
	}))
	config := &pgx.ConnConfig{}
	config.User = "app"
	if err := failing(t.Context(), config); err == nil || !strings.Contains(err.Error(), "IAM token for app") {
		t.Errorf("got %v", err)
	}
}

// Every authority in the bundle is a root that still lasts, and every region has three.
func TestBundleOfRDS(t *testing.T) {
	t.Parallel()
	regions := map[string]int{}
	rest := []byte(rdsBundle)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		region, kind, ok := strings.Cut(strings.TrimPrefix(c.Subject.CommonName, "Amazon RDS "), " Root CA ")
		if !ok || !strings.HasSuffix(kind, " G1") || !c.IsCA || c.CheckSignatureFrom(c) != nil || c.Issuer.String() != c.Subject.String() || time.Until(c.NotAfter) < 365*24*time.Hour {
			t.Errorf("%s until %s is no root to trust", c.Subject, c.NotAfter)
		}
		regions[region]++
	}
	if len(regions) < 27 || len(strings.TrimSpace(string(rest))) > 0 {
		t.Errorf("%d regions, and then %.80q", len(regions), rest)
	}
	for region, n := range regions {
		if n != 3 {
			t.Errorf("%s has %d authorities, not 3", region, n)
		}
	}
}

func TestWhoVouchesForTheServer(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "ca.pem")
	_, first, _ := strings.Cut(rdsBundle, "\n")
	if err := os.WriteFile(own, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host, file string
		want             *x509.CertPool
	}{
		{"an instance", "rifa.abc123.sa-east-1.rds.amazonaws.com", "", rdsAuthorities("sa-east-1")},
		{"a cluster", "rifa.cluster-abc123.us-east-1.rds.amazonaws.com", "", rdsAuthorities("us-east-1")},
		{"a region without authorities", "rifa.abc.xx-new-9.rds.amazonaws.com", "", x509.NewCertPool()},
		{"a proxy", "rifa.proxy-abc123.us-east-1.rds.amazonaws.com", "", nil},
		{"another server", "db.rifa.example", "", nil},
	} {
		config, err := Options{Host: c.host, Port: 5432, Name: "rifa", User: "app", SSLMode: "verify-full", RootCert: c.file}.ConnConfig()
		if err != nil {
			t.Fatal(err)
		}
		if config.TLSConfig.ServerName != c.host || config.TLSConfig.InsecureSkipVerify || len(config.Fallbacks) > 0 {
			t.Errorf("%s: the name is not verified, or there is another way in", c.name)
		}
		if got := config.TLSConfig.RootCAs; (got == nil) != (c.want == nil) || got != nil && !got.Equal(c.want) {
			t.Errorf("%s: other authorities are trusted than those that should be", c.name)
		}
	}
	config, err := Options{Host: "rifa.abc.us-east-1.rds.amazonaws.com", Port: 5432, Name: "rifa", User: "app", SSLMode: "verify-full", RootCert: own}.ConnConfig()
	if err != nil || config.TLSConfig.RootCAs == nil || config.TLSConfig.RootCAs.Equal(rdsAuthorities("us-east-1")) {
		t.Errorf("the named file is not what is trusted: %v", err)
	}
}
