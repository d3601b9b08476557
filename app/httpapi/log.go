package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// log writes the one line of a request: no path, query, body or address of the client, and of its
// headers nothing but X-Request-Id.
func (a *API) log(ctx context.Context, o Observation, fault error, more []slog.Attr) {
	level := slog.LevelInfo
	if o.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !a.logger.Enabled(ctx, level) {
		return
	}
	var space [12]slog.Attr
	attrs := append(space[:0],
		slog.String("method", o.Method),
		slog.String("route", o.Route),
		slog.Int("status", o.Status),
		slog.Float64("duration_ms", milliseconds(o.Duration)),
		slog.Float64("db_ms", milliseconds(o.DatabaseWait)),
		slog.Int("bytes", o.Bytes),
		slog.String("request_id", o.RequestID),
	)
	if o.Passwords > 0 {
		attrs = append(attrs, slog.Float64("password_ms", milliseconds(o.Passwords)))
	}
	if o.UserID != uuid.Nil {
		attrs = append(attrs, slog.String("user_id", o.UserID.String()))
	}
	if o.Code != "" {
		attrs = append(attrs, slog.String("code", o.Code))
	}
	if fault != nil {
		attrs = append(attrs, slog.String("error", FaultText(fault)))
	}
	a.logger.LogAttrs(ctx, level, "request", append(attrs, more...)...)
}

// FaultText is what the log may say of a fault. A statement's error text can repeat the values it
// was given, so of those only the SQLSTATE is kept.
func FaultText(fault error) string {
	if statement, ok := errors.AsType[interface {
		error
		SQLState() string
	}](fault); ok {
		return "SQLSTATE " + statement.SQLState()
	}
	return fault.Error()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
