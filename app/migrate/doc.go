// Package migrate deploys the database's migrations the way Sqitch does, on PostgreSQL, without
// Perl and psql. It reads the same sqitch.conf, sqitch.plan and scripts and keeps the same registry
// (version 1.1): this package and the Sqitch command line (1.3 or later) can take turns on one
// database at any moment.
//
// Each change is one transaction: the registry's lock, the deploy script, the verify script in a
// savepoint that is rolled back, the registry's rows, COMMIT. A process killed at any point leaves
// the change deployed and recorded, or neither.
//
// # Scripts
//
// Scripts keep the BEGIN and COMMIT that Sqitch scripts have. Inside the transaction of the change
// they become a savepoint and its release; COMMIT also checks the deferred constraints. ROLLBACK
// takes back what followed BEGIN. SET LOCAL cannot end with a COMMIT that statements follow: there it
// is an error unless RESET took it back before (set_config with true does the same, and is not
// noticed). A script that begins and never ends its transaction is an error, as are other isolation
// levels and two-phase commits. Commands of psql (\set, \i) and psql's variables (:'name') are refused
// with file and line; COPY … FROM STDIN with its data in the script works; nothing but a comment may
// follow its semicolon on the same line.
// Session settings, roles, temporary tables and the like are gone when a script has ended.
//
// A deploy or revert script that cannot run inside a transaction (CREATE INDEX CONCURRENTLY, VACUUM)
// says so in a comment before its first statement:
//
//	-- migrate: no-transaction
//
// Its statements then run one by one, and the change is recorded in a transaction that follows. A
// process killed in between leaves the statements done and the change not recorded: write such
// scripts so that they can run twice (IF NOT EXISTS). Verify scripts always run in a transaction
// that is rolled back.
package migrate
