package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// None of these operations takes Idempotency-Key: their answers carry tokens, which must not be stored
// to be said again.

type accountBody struct {
	ID        uuid.UUID `json:"id" format:"uuid" doc:"The account's id; owner_id of its raffles." example:"0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"`
	Name      string    `json:"name" example:"Ana Torres"`
	Email     string    `json:"email" format:"idn-email" example:"ana@example.com"`
	CreatedAt time.Time `json:"created_at" example:"2030-01-15T14:30:00Z"`
}

type loginBody struct {
	ID           uuid.UUID `json:"id" format:"uuid" doc:"The account's id; owner_id of its raffles." example:"0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6"`
	Name         string    `json:"name" example:"Ana Torres"`
	Email        string    `json:"email" format:"idn-email" example:"ana@example.com"`
	CreatedAt    time.Time `json:"created_at" example:"2030-01-15T14:30:00Z"`
	AccessToken  string    `json:"access_token" doc:"Send it as Authorization: Bearer." example:"eyJhbGciOiJFZERTQSIsImtpZCI6Ijk…"`
	TokenType    string    `json:"token_type" enum:"Bearer" example:"Bearer"`
	ExpiresIn    int       `json:"expires_in" doc:"Seconds the access token is valid." example:"3600"`
	RefreshToken string    `json:"refresh_token" doc:"Trades once for the next pair, within 30 days. Keep it secret." example:"mJ7q2v0W5s8XyZ1aB3cD4eF6gH9iJ0kL2mN4oP6qR8s"`
}

type pairBody struct {
	AccessToken  string `json:"access_token" doc:"Send it as Authorization: Bearer." example:"eyJhbGciOiJFZERTQSIsImtpZCI6Ijk…"`
	TokenType    string `json:"token_type" enum:"Bearer" example:"Bearer"`
	ExpiresIn    int    `json:"expires_in" doc:"Seconds the access token is valid." example:"3600"`
	RefreshToken string `json:"refresh_token" doc:"The next refresh token; the one sent is used up." example:"t5U7vW9xY1zA3bC5dE7fG9hI1jK3lM5nO7pQ9rS1tU3"`
}

func loginOf(l command.Login) loginBody {
	return loginBody{
		ID: l.ID, Name: l.Name, Email: l.Email, CreatedAt: l.CreatedAt,
		AccessToken: l.AccessToken, TokenType: "Bearer", ExpiresIn: int(l.ExpiresIn.Seconds()), RefreshToken: l.RefreshToken,
	}
}

var exampleLogin = map[string]any{
	"id": "0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6", "name": "Ana Torres", "email": "ana@example.com", "created_at": "2030-01-15T14:30:00Z",
	"access_token": "eyJhbGciOiJFZERTQSIsImtpZCI6Ijk…", "token_type": "Bearer", "expires_in": 3600,
	"refresh_token": "mJ7q2v0W5s8XyZ1aB3cD4eF6gH9iJ0kL2mN4oP6qR8s",
}

type registerInput struct {
	Body struct {
		Name     string `json:"name" minLength:"2" maxLength:"120" doc:"How others see you." example:"Ana Torres"`
		Email    string `json:"email" format:"idn-email" maxLength:"254" doc:"Compared case-insensitively." example:"ana@example.com"`
		Password string `json:"password" minLength:"8" maxLength:"128" doc:"Anything but one of the most common passwords." example:"tarde de mayo 42"`
	}
}

type loginOutput struct{ Body loginBody }

var registerOperation = operation{
	method: http.MethodPost, path: "/auth/register", id: "register", tag: "Accounts", status: http.StatusCreated,
	summary:     "Create an account and log in",
	description: "The password must have 8 to 128 characters and not be among the most common ones. E-mail addresses compare case-insensitively.",
	refusals:    []raffle.Code{raffle.CodeEmailTaken, raffle.CodeTooManyAttempts},
	request:     map[string]any{"name": "Ana Torres", "email": "ana@example.com", "password": "tarde de mayo 42"},
	response:    exampleLogin,
}

// registerAccount handles POST /rifaapp/auth/register.
func (a *API) registerAccount(ctx context.Context, in *registerInput) (*loginOutput, error) {
	login, err := a.options.Accounts.Register(measurePasswords(ctx), command.RegisterInput{Name: in.Body.Name, Email: in.Body.Email, Password: in.Body.Password})
	if err != nil {
		return nil, err
	}
	return &loginOutput{loginOf(login)}, nil
}

type loginInput struct {
	Body struct {
		Email    string `json:"email" format:"idn-email" maxLength:"254" example:"ana@example.com"`
		Password string `json:"password" minLength:"1" maxLength:"128" example:"tarde de mayo 42"`
	}
	address string
}

// Resolve keeps where the request comes from, for the throttle.
func (in *loginInput) Resolve(ctx huma.Context) []error {
	in.address = clientAddress(ctx)
	return nil
}

var loginOperation = operation{
	method: http.MethodPost, path: "/auth/login", id: "login", tag: "Accounts",
	summary: "Log in with e-mail and password",
	description: "An unknown e-mail and a wrong password are answered alike. After 5 failures in 15 minutes for an account, or 50 from a client address, " +
		"further tries answer 429 with a Retry-After that doubles with each failure, up to 15 minutes.",
	refusals: []raffle.Code{raffle.CodeInvalidCredentials, raffle.CodeTooManyAttempts},
	request:  map[string]any{"email": "ana@example.com", "password": "tarde de mayo 42"},
	response: exampleLogin,
}

// login handles POST /rifaapp/auth/login.
func (a *API) login(ctx context.Context, in *loginInput) (*loginOutput, error) {
	login, err := a.options.Accounts.Login(measurePasswords(ctx), command.LoginInput{Email: in.Body.Email, Password: in.Body.Password, Address: in.address})
	if err != nil {
		return nil, err
	}
	return &loginOutput{loginOf(login)}, nil
}

type refreshInput struct {
	Body struct {
		RefreshToken string `json:"refresh_token" minLength:"1" maxLength:"512" doc:"The last one received." example:"mJ7q2v0W5s8XyZ1aB3cD4eF6gH9iJ0kL2mN4oP6qR8s"`
	}
}

type pairOutput struct{ Body pairBody }

var refreshOperation = operation{
	method: http.MethodPost, path: "/auth/refresh", id: "refresh", tag: "Accounts",
	summary: "Trade a refresh token for the next pair of tokens",
	description: "A refresh token works once. Sending a used one again revokes the whole session it belongs to, because somebody else may hold a copy: " +
		"log in again. Send only one refresh at a time.",
	refusals: []raffle.Code{raffle.CodeInvalidRefresh},
	request:  map[string]any{"refresh_token": "mJ7q2v0W5s8XyZ1aB3cD4eF6gH9iJ0kL2mN4oP6qR8s"},
	response: map[string]any{
		"access_token": "eyJhbGciOiJFZERTQSIsImtpZCI6Ijk…", "token_type": "Bearer", "expires_in": 3600,
		"refresh_token": "t5U7vW9xY1zA3bC5dE7fG9hI1jK3lM5nO7pQ9rS1tU3",
	},
}

// refresh handles POST /rifaapp/auth/refresh.
func (a *API) refresh(ctx context.Context, in *refreshInput) (*pairOutput, error) {
	pair, err := a.options.Accounts.Refresh(ctx, in.Body.RefreshToken)
	if err != nil {
		return nil, err
	}
	return &pairOutput{pairBody{
		AccessToken: pair.AccessToken, TokenType: "Bearer", ExpiresIn: int(pair.ExpiresIn.Seconds()), RefreshToken: pair.RefreshToken,
	}}, nil
}

type logoutOutput struct {
	Body struct {
		Status string `json:"status" enum:"logged_out" example:"logged_out"`
	}
}

var logoutOperation = operation{
	method: http.MethodPost, path: "/auth/logout", id: "logout", tag: "Accounts",
	summary: "End the session of a refresh token",
	description: "Revokes the refresh token and every other one of its session. Any token gets the same answer, so it can be repeated. " +
		"An access token that was issued already stays valid until it expires: forget it.",
	request:  map[string]any{"refresh_token": "mJ7q2v0W5s8XyZ1aB3cD4eF6gH9iJ0kL2mN4oP6qR8s"},
	response: map[string]any{"status": "logged_out"},
}

// logout handles POST /rifaapp/auth/logout.
func (a *API) logout(ctx context.Context, in *refreshInput) (*logoutOutput, error) {
	if err := a.options.Accounts.Logout(ctx, in.Body.RefreshToken); err != nil {
		return nil, err
	}
	out := &logoutOutput{}
	out.Body.Status = "logged_out"
	return out, nil
}

type meOutput struct{ Body accountBody }

var meOperation = operation{
	method: http.MethodGet, path: "/auth/me", id: "me", tag: "Accounts", access: bearer,
	summary:  "Show the account of the access token",
	response: map[string]any{"id": "0192f7a8-c4d1-7e55-a3e4-b1f0c9d8e7f6", "name": "Ana Torres", "email": "ana@example.com", "created_at": "2030-01-15T14:30:00Z"},
}

// me handles GET /rifaapp/auth/me.
func (a *API) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	caller, _ := CallerFrom(ctx)
	account, err := a.options.Accounts.Me(ctx, caller)
	if err != nil {
		return nil, err
	}
	return &meOutput{accountBody{ID: account.ID, Name: account.Name, Email: account.Email, CreatedAt: account.CreatedAt}}, nil
}
