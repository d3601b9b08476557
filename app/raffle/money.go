package raffle

import (
	"database/sql/driver"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Money is an amount in hundredths of its currency. It goes out as a decimal string with two
// decimals and is never a float.
type Money int64

// MaxPrice is the highest ticket price: 99 999 999.99.
const MaxPrice Money = 9_999_999_999

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// ParseMoney reads a decimal number with at most two decimals, as in 5000, 5000.5 or 5000.00.
// Trailing zeros beyond two decimals are not decimals. The error is a sentence for people.
func ParseMoney(s string) (Money, error) {
	if !decimal.MatchString(s) {
		return 0, fmt.Errorf("must be a decimal number such as 5000 or 5000.50")
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > 2 {
		return 0, fmt.Errorf("must have at most two decimals")
	}
	if len(whole) > 15 {
		return 0, fmt.Errorf("must be at most %s", MaxPrice)
	}
	cents, err := strconv.ParseInt(whole+fraction+"00"[len(fraction):], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("must be a decimal number such as 5000 or 5000.50")
	}
	if s[0] == '-' {
		cents = -cents
	}
	return Money(cents), nil
}

func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	return fmt.Sprintf("%s%d.%02d", sign, m/100, m%100)
}

// Scan reads a numeric column that was selected as text.
func (m *Money) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("money: cannot read a %T; select the column as text", src)
	}
	value, err := ParseMoney(text)
	*m = value
	return err
}

// Value hands the amount to PostgreSQL as a decimal text.
func (m Money) Value() (driver.Value, error) { return m.String(), nil }
