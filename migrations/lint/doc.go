// Package lint says what pending migrations would do on D1 that their author may not want, before anything is sent.
//
// Lint is a rehearsal: SQLite itself is the parser. [Run] carries the checked files out, statement by statement, on a copy of the schema
// under D1's profile (package sqlite) and notes what each did. Rules read these notes; none reads SQL with patterns.
//
// The rooms, bottom up:
//
//   - finding.go, input.go and rule.go hold the types: [Finding], [Report], [Input], [Options], and [Rule], an entry of the catalogue.
//   - schema.go is sqlite_master at one moment; shapes.go reads a table out of it (columns, foreign keys, indexes) where a rule asks.
//   - walk.go is what the rules see: a walk has files, a file has steps, a step is a statement with its tokens, its actions as SQLite's
//     authorizer reported them, the schema before and after, its refusal, its query plan, and double-quoted words that name no column.
//   - walker.go makes the walk: known files are replayed, the checked ones carried out one transaction each; a refused statement is noted and
//     left out. ghosts.go runs statements with double-quoted texts off first, so that words which name no column are found. step.go answers what a
//     statement does, broken.go which views and triggers cannot be compiled any more.
//   - origin.go follows tables through renames and copies: which are new, which are rebuilt, where rows went.
//   - alone.go rehearses on rows each file that drops a table which others refer to; losses.go is what that says, and what SQLite's
//     authorizer says where it says nothing.
//   - directive.go reads "-- towline:..." comments, directives.go applies them and holds the rules about them.
//   - assertions.go asks the assertions of the files.
//   - contract.go is expand and contract: what may go, and when; code.go finds the names that a Worker's code mentions.
//   - rewrite.go writes the guarded rebuild, and SQL in general.
//   - foreignkeys.go, dangling.go, rebuild.go, rebuild_rows.go, destructive.go, empty.go, tightened.go, compat.go and the others find; rules_*.go and, for
//     some groups, the same file hold the entries of the catalogue: a function returns a group's, and each names the function that finds it.
//     A rule is one small function over the walk; what it leaves out of a Finding (code, name, severity) comes from its entry. To add a
//     group, add its function to rules in rule.go.
//   - run.go puts it together: walk, rehearse, run the rules, apply severities and directives, sort.
//
// A rule's tests are tables of cases (cases_*_test.go): a schema, the files, and whether the rule must find something.
package lint
