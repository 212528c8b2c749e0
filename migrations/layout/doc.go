// Package layout finds out how the migrations of a project lie in its folder, and reads them.
//
// From the bottom up:
//
//   - decode.go reads the two languages of wrangler's config, with the libraries hujson and go-toml.
//   - wrangler.go takes from such a config what it says of D1: migrations_dir, migrations_pattern and migrations_table of each
//     database, also those of environments. drizzle.go does so with drizzle-kit's config.
//   - glob.go is the part of wrangler's patterns (the npm package minimatch) that is read here.
//   - find.go weighs the configs against each other into a [Layout]; read.go reads the files of one, journal.go Drizzle's list
//     of them, problems.go compares.
//   - next.go names the next migration.
//
// Everything follows wrangler (packages/wrangler/src/d1/migrations/helpers.ts and packages/workers-utils/src/d1-migrations.ts):
// what it would not apply is not a migration here, and what it would apply is one, even if it should not be.
package layout
