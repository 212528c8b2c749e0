package slow_test

import (
	"testing"

	"towline/sandbox/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }
