package migrations_test

import (
	"testing"

	"towline/migrations"
)

func TestAValueThatMayBeSomebodysIsNotCommon(t *testing.T) {
	for _, v := range []string{"'paid'", "'IN_TRANSIT'", "''", "'$.lang'", "'$[0].a-b'", "'%Y-%m-%d'", "'-7 days'", "'start of month'", "20", "99999", "0.5", "name", "x"} {
		if !migrations.Common(v) {
			t.Errorf("%s is taken for somebody's", v)
		}
	}
	for _, v := range []string{"'lead@example.com'", "'sk_live_1'", "'Ann'", "'O''Neil'", "'a b'", "'$.users.\"lead@example.com\"'", "'averyveryverylongword'", "'2026-11-21'", "4930123456", "1700000000", "x'5345'", "X'00'"} {
		if migrations.Common(v) {
			t.Errorf("%s is taken for a word of the statement", v)
		}
	}
}
