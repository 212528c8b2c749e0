package sqlite

import "github.com/ncruces/go-sqlite3"

// Limits of D1's engine, from the sqlite3_limit calls of workerd's util/sqlite.c++, except where noted.
const (
	// MaxRowBytes is the largest string, blob or row: 2 MB by the page "Limits" of D1 (the engine itself says 4 MiB).
	MaxRowBytes = 2_000_000
	// MaxStatementBytes is the longest single statement: 100 KB by the same page.
	MaxStatementBytes = 100_000
	// MaxColumns is the number of columns of a table or a result.
	MaxColumns = 100
	// MaxParams is the number of bound parameters of a statement.
	MaxParams = 100

	maxExprDepth      = 100
	maxCompoundSelect = 5
	maxProgramOps     = 25_000
	maxFunctionArgs   = 127
	maxLikeBytes      = 50
	maxTriggerDepth   = 10
)

// d1Limits lists each limit with its value.
func d1Limits() map[sqlite3.LimitCategory]int {
	return map[sqlite3.LimitCategory]int{
		sqlite3.LIMIT_LENGTH:              MaxRowBytes,
		sqlite3.LIMIT_SQL_LENGTH:          MaxStatementBytes,
		sqlite3.LIMIT_COLUMN:              MaxColumns,
		sqlite3.LIMIT_EXPR_DEPTH:          maxExprDepth,
		sqlite3.LIMIT_COMPOUND_SELECT:     maxCompoundSelect,
		sqlite3.LIMIT_VDBE_OP:             maxProgramOps,
		sqlite3.LIMIT_FUNCTION_ARG:        maxFunctionArgs,
		sqlite3.LIMIT_LIKE_PATTERN_LENGTH: maxLikeBytes,
		sqlite3.LIMIT_VARIABLE_NUMBER:     MaxParams,
		sqlite3.LIMIT_TRIGGER_DEPTH:       maxTriggerDepth,
		sqlite3.LIMIT_ATTACHED:            0,
		sqlite3.LIMIT_WORKER_THREADS:      0,
	}
}

// d1Flags lists each switch of a connection with its position on D1. Double-quoted strings are on: a misspelt column in
// double quotes is a text there, not an error.
func d1Flags() map[sqlite3.DBConfig]bool {
	return map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_ENABLE_FKEY:        true,
		sqlite3.DBCONFIG_DEFENSIVE:          true,
		sqlite3.DBCONFIG_DQS_DML:            true,
		sqlite3.DBCONFIG_DQS_DDL:            true,
		sqlite3.DBCONFIG_TRUSTED_SCHEMA:     true,
		sqlite3.DBCONFIG_LEGACY_ALTER_TABLE: false,
	}
}
