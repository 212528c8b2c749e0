package sqlite

import (
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// ActionKind is what SQLite's authorizer calls an action, without its prefix: "DELETE", "DROP_TABLE".
type ActionKind string

// The kinds of action, with what Arg3 and Arg4 hold (https://sqlite.org/c3ref/c_alter_table.html).
const (
	CreateIndex       ActionKind = "CREATE_INDEX"        // index, table
	CreateTable       ActionKind = "CREATE_TABLE"        // table
	CreateTempIndex   ActionKind = "CREATE_TEMP_INDEX"   // index, table
	CreateTempTable   ActionKind = "CREATE_TEMP_TABLE"   // table
	CreateTempTrigger ActionKind = "CREATE_TEMP_TRIGGER" // trigger, table
	CreateTempView    ActionKind = "CREATE_TEMP_VIEW"    // view
	CreateTrigger     ActionKind = "CREATE_TRIGGER"      // trigger, table
	CreateView        ActionKind = "CREATE_VIEW"         // view
	Delete            ActionKind = "DELETE"              // table
	DropIndex         ActionKind = "DROP_INDEX"          // index, table
	DropTable         ActionKind = "DROP_TABLE"          // table
	DropTempIndex     ActionKind = "DROP_TEMP_INDEX"     // index, table
	DropTempTable     ActionKind = "DROP_TEMP_TABLE"     // table
	DropTempTrigger   ActionKind = "DROP_TEMP_TRIGGER"   // trigger, table
	DropTempView      ActionKind = "DROP_TEMP_VIEW"      // view
	DropTrigger       ActionKind = "DROP_TRIGGER"        // trigger, table
	DropView          ActionKind = "DROP_VIEW"           // view
	Insert            ActionKind = "INSERT"              // table
	Pragma            ActionKind = "PRAGMA"              // pragma, argument
	Read              ActionKind = "READ"                // table, column
	Select            ActionKind = "SELECT"
	TransactionWord   ActionKind = "TRANSACTION" // BEGIN, COMMIT or ROLLBACK
	Update            ActionKind = "UPDATE"      // table, column
	Attach            ActionKind = "ATTACH"      // file
	Detach            ActionKind = "DETACH"      // schema
	AlterTable        ActionKind = "ALTER_TABLE" // table (SQLite passes schema, table)
	Reindex           ActionKind = "REINDEX"     // index
	Analyze           ActionKind = "ANALYZE"     // table
	CreateVTable      ActionKind = "CREATE_VTABLE"
	DropVTable        ActionKind = "DROP_VTABLE" // table, module
	Function          ActionKind = "FUNCTION"    // "", function
	Savepoint         ActionKind = "SAVEPOINT"   // operation, name
	Recursive         ActionKind = "RECURSIVE"
	Unknown           ActionKind = "UNKNOWN"
)

// Action is one thing that a statement would do, as SQLite's authorizer reported it while preparing the statement.
// Inner names the trigger or view on whose behalf it happens, if any. With foreign keys on, a DROP TABLE or DELETE also
// reports what ON DELETE does to the children: DELETE of the child for CASCADE, UPDATE of its column for SET NULL and
// SET DEFAULT.
type Action struct {
	Kind              ActionKind
	Arg3, Arg4, Inner string
}

// rule is how D1 decides on a kind of action.
type rule int

const (
	deny      rule = iota
	allow          // always
	allowName      // if the third argument is an allowed name
	allowBoth      // if the third and the fourth argument are
	byModule       // if the fourth is a module that D1 has and the third an allowed name
	byFunction
	byPragma
)

type kindRule struct {
	kind ActionKind
	rule rule
}

// profile holds D1's lists in the form in which the authorizer asks for them.
type profile struct {
	functions map[string]bool
	pragmas   map[string]pragmaArg
	actions   map[sqlite3.AuthorizerActionCode]kindRule
}

func newProfile() *profile {
	return &profile{functions: functionSet(), pragmas: pragmaSet(), actions: actionRules()}
}

// actionRules follows SqliteDatabase::isAuthorized of workerd's util/sqlite.c++.
func actionRules() map[sqlite3.AuthorizerActionCode]kindRule {
	return map[sqlite3.AuthorizerActionCode]kindRule{
		sqlite3.AUTH_CREATE_INDEX:        {CreateIndex, allowBoth},
		sqlite3.AUTH_CREATE_TABLE:        {CreateTable, allowName},
		sqlite3.AUTH_CREATE_TEMP_INDEX:   {CreateTempIndex, deny},
		sqlite3.AUTH_CREATE_TEMP_TABLE:   {CreateTempTable, deny},
		sqlite3.AUTH_CREATE_TEMP_TRIGGER: {CreateTempTrigger, deny},
		sqlite3.AUTH_CREATE_TEMP_VIEW:    {CreateTempView, deny},
		sqlite3.AUTH_CREATE_TRIGGER:      {CreateTrigger, allowBoth},
		sqlite3.AUTH_CREATE_VIEW:         {CreateView, allowName},
		sqlite3.AUTH_DELETE:              {Delete, allowName},
		sqlite3.AUTH_DROP_INDEX:          {DropIndex, allowBoth},
		sqlite3.AUTH_DROP_TABLE:          {DropTable, allowName},
		sqlite3.AUTH_DROP_TEMP_INDEX:     {DropTempIndex, deny},
		sqlite3.AUTH_DROP_TEMP_TABLE:     {DropTempTable, deny},
		sqlite3.AUTH_DROP_TEMP_TRIGGER:   {DropTempTrigger, deny},
		sqlite3.AUTH_DROP_TEMP_VIEW:      {DropTempView, deny},
		sqlite3.AUTH_DROP_TRIGGER:        {DropTrigger, allowBoth},
		sqlite3.AUTH_DROP_VIEW:           {DropView, allowName},
		sqlite3.AUTH_INSERT:              {Insert, allowName},
		sqlite3.AUTH_PRAGMA:              {Pragma, byPragma},
		sqlite3.AUTH_READ:                {Read, allowName},
		sqlite3.AUTH_SELECT:              {Select, allow},
		sqlite3.AUTH_TRANSACTION:         {TransactionWord, deny},
		sqlite3.AUTH_UPDATE:              {Update, allowName},
		sqlite3.AUTH_ATTACH:              {Attach, deny},
		sqlite3.AUTH_DETACH:              {Detach, deny},
		sqlite3.AUTH_ALTER_TABLE:         {AlterTable, allowName},
		sqlite3.AUTH_REINDEX:             {Reindex, allowName},
		sqlite3.AUTH_ANALYZE:             {Analyze, allow},
		sqlite3.AUTH_CREATE_VTABLE:       {CreateVTable, byModule},
		sqlite3.AUTH_DROP_VTABLE:         {DropVTable, byModule},
		sqlite3.AUTH_FUNCTION:            {Function, byFunction},
		sqlite3.AUTH_SAVEPOINT:           {Savepoint, deny},
		sqlite3.AUTH_RECURSIVE:           {Recursive, allow},
	}
}

// authorize is SQLite's callback. It runs while a statement is prepared and again whenever SQLite prepares it anew at
// its first step; actions are remembered in the first case only.
func (c *Conn) authorize(code sqlite3.AuthorizerActionCode, arg3, arg4, schema, inner string) sqlite3.AuthorizerReturnCode {
	kr, known := c.profile.actions[code]
	if !known {
		kr = kindRule{Unknown, deny}
	}
	if kr.kind == AlterTable {
		schema, arg3, arg4 = arg3, arg4, ""
	}
	if c.recording {
		c.actions = append(c.actions, Action{Kind: kr.kind, Arg3: arg3, Arg4: arg4, Inner: inner})
	}
	if c.bypass || c.profile.allows(kr, arg3, arg4, schema) {
		return sqlite3.AUTH_OK
	}
	if kr.kind == Read && strings.EqualFold(arg3, seriesTable) {
		c.missingTable = seriesTable
	}
	return sqlite3.AUTH_DENY
}

// seriesTable is a table-valued function that this SQLite has and D1's has not.
const seriesTable = "generate_series"

func (p *profile) allows(kr kindRule, arg3, arg4, schema string) bool {
	switch {
	case schema == "temp":
		return (kr.kind == Read || kr.kind == Update) && nameAllowed(arg3)
	case schema != "" && schema != "main":
		return false
	}
	switch kr.rule {
	case allow:
		return true
	case allowName:
		if kr.kind == Read && strings.EqualFold(arg3, seriesTable) {
			return false
		}
		return nameAllowed(arg3)
	case allowBoth:
		return nameAllowed(arg3) && nameAllowed(arg4)
	case byModule:
		return moduleAllowed(arg4) && nameAllowed(arg3)
	case byFunction:
		return p.functionAllowed(arg4)
	case byPragma:
		return p.pragmaAllowed(arg3, arg4)
	}
	return false
}

// nameAllowed reports whether a statement may name an object so: Cloudflare keeps names that begin with _cf_ for itself.
func nameAllowed(name string) bool {
	const reserved = "_cf_"
	return len(name) < len(reserved) || !strings.EqualFold(name[:len(reserved)], reserved)
}

// moduleAllowed reports whether D1 has the module of a virtual table.
func moduleAllowed(module string) bool {
	switch strings.ToLower(module) {
	case "fts5", "fts5vocab", "rtree", "rtree_i32":
		return true
	}
	return false
}
