package postgres_test

import (
	"testing"

	"github.com/rifaapp/rifaapp/test/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
