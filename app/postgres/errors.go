package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrUnavailable marks a failure of the database itself: it cannot be reached, is starting or
// stopping, or did not answer in time. The request may be tried again later.
var ErrUnavailable = errors.New("the database cannot be reached in time")

// ErrUnknownOutcome marks a transaction whose commit was sent but never answered: it may or may not
// have happened. It is an ErrUnavailable too.
var ErrUnknownOutcome = errors.Join(errors.New("the commit was not answered"), ErrUnavailable)

// SQLSTATEs the product reacts to; names as in the PostgreSQL manual, appendix A.
const (
	stateSerializationFailure = "40001"
	stateDeadlockDetected     = "40P01"
	stateInvalidPassword      = "28P01"
	stateInvalidAuthorization = "28000"
	stateUniqueViolation      = "23505"
	stateForeignKeyViolation  = "23503"
	stateReadOnlyTransaction  = "25006"
	stateFeatureNotSupported  = "0A000" // "cached plan must not change result type" after a migration
	stateInvalidStatementName = "26000" // the session does not know the prepared statement, as after DEALLOCATE ALL
	stateLockNotAvailable     = "55P03"
	stateQueryCanceled        = "57014"
	stateCannotConnectNow     = "57P03"
	stateUndefinedFunction    = "42883"
	stateUndefinedTable       = "42P01"
	stateInvalidSchemaName    = "3F000"
	classSyntaxOrAccess       = "42" // such as 42883 once a function has other parameters
)

func state(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// UniqueViolation returns the name of the unique constraint that err violates, or "".
func UniqueViolation(err error) string {
	return constraint(err, stateUniqueViolation)
}

// ForeignKeyViolation returns the name of the foreign key that err violates, or "".
func ForeignKeyViolation(err error) string {
	return constraint(err, stateForeignKeyViolation)
}

func constraint(err error, want string) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == want {
		return pg.ConstraintName
	}
	return ""
}

// Raised returns the message and detail of an exception that our own SQL raised with the given
// SQLSTATE; ok is false for every other error.
func Raised(err error, sqlstate string) (message, detail string, ok bool) {
	if pg, found := errors.AsType[*pgconn.PgError](err); found && pg.Code == sqlstate {
		return pg.Message, pg.Detail, true
	}
	return "", "", false
}

// NotMigrated says whether err comes from a schema that has not been deployed yet.
func NotMigrated(err error) bool {
	switch state(err) {
	case stateUndefinedFunction, stateUndefinedTable, stateInvalidSchemaName:
		return true
	}
	return false
}

// Translate maps a driver error to ErrUnavailable when the database, not the statement, is at
// fault; it leaves every other error, such as pgx.ErrNoRows, as it is.
func Translate(err error) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) || errors.Is(err, ErrUnavailable) {
		return err
	}
	if unavailable(err) {
		return errors.Join(ErrUnavailable, err)
	}
	return err
}

func unavailable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok { // a refused login too, in which the server has its say
		return true
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return unavailableState(pg.Code)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// unavailableState covers the classes of connection faults, lack of resources and operator
// intervention, and what remains of conflicts after their retries.
func unavailableState(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "53", "57", "58":
		return true
	}
	switch code {
	case stateSerializationFailure, stateDeadlockDetected, stateLockNotAvailable, stateReadOnlyTransaction, stateQueryCanceled:
		return true
	}
	return false
}
