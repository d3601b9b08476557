package migrate

// Usage is the help text of `rifaapp migrate`.
const Usage = `Usage: rifaapp migrate [COMMAND] [OPTIONS] [CHANGE]

Brings the schema of the database to where the plan (sqitch/sqitch.plan) ends. Each line of
the plan is a change: a script that deploys it, one that reverts it, one that verifies it.
A change is deployed whole or not at all; a deployment that was stopped is simply repeated.

Commands
  status     say where the database stands and what is to come
  plan       list what is to come
  deploy     deploy what is to come (also without any command)
  verify     run the verify scripts of what is deployed
  check      find deploy scripts that were edited after they were deployed; ends with 1 then
  log        print the history, the newest first
  revert     take changes back, the newest first; asks before it does

Options of deploy
  --to CHANGE              stop after this change or tag
  --mode change|tag|all    what a failure takes back beside the change that failed: nothing
                           (the default), what came after the last tag, all of this run
  --no-verify              do not run the verify scripts
  --log-only               record the changes without running their deploy scripts
  --lock-timeout SECONDS   how long to wait for another deployer (60)

Options of revert
  --to CHANGE              keep this change or tag and what is before it; otherwise all goes
  -y                       do not ask
  --log-only, --lock-timeout SECONDS

Options of verify and check: --from CHANGE, --to CHANGE
Options of log:              --max-count N, --skip N, --reverse

A CHANGE is a name, a @tag, name@tag, an id, HEAD (the last) or ROOT (the first); ^ behind it
means the one before, ~ the one after.

Environment
  SQITCH_TARGET    the database: db:pg://user:password@host:port/name?sslmode=require;
                   otherwise DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_SSLMODE,
                   DB_SSLROOTCERT
  SQITCH_DIR       a directory with sqitch.conf and the plan, instead of the ones in the binary
  SQITCH_BIN       the sqitch command: it does the work then, with the same arguments
  SQITCH_FULLNAME, SQITCH_EMAIL    who you are, for the history

Examples
  rifaapp migrate status
  rifaapp migrate deploy --to @v1.2
  rifaapp migrate revert --to HEAD^      take the last change back
`
