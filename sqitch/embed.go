// Package sqitch holds the database's migrations: a directory that the Sqitch command line and
// app/migrate read alike, embedded so that the binary can deploy it without any file beside it.
package sqitch

import "embed"

// Files is the directory as Sqitch sees it: sqitch.conf, sqitch.plan and the deploy, revert and
// verify scripts.
//
//go:embed sqitch.conf sqitch.plan deploy revert verify
var Files embed.FS
