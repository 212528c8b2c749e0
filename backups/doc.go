// Package backups keeps copies of databases in a folder, outside of Cloudflare: one compressed SQL text for each, encrypted where
// the team has a key, and beside it a small manifest that says what it is.
//
//	DIR/PROJECT/ENVIRONMENT/ID.sql.gz        the text; ID.sql.gz.age where it is encrypted
//	DIR/PROJECT/ENVIRONMENT/ID.json          the manifest
//
// The rooms, bottom up:
//
//   - key.go reads the key, a file of age-keygen. manifest.go is the form of a manifest.
//   - write.go makes a copy: into a file to the side, synced and renamed, so that a name is a whole copy. read.go reads one and
//     does not end well if it is not what was written.
//   - folder.go lists, finds and gives up what is too old; it leaves alone what it does not know.
//   - check.go restores a copy into a local SQLite (package migrations/dump) to prove that it can be.
//
// Nothing here needs Towline to be of use: age -d -i KEY ID.sql.gz.age | gunzip | sqlite3 out.db restores a copy by hand.
//
// [Folder] implements deploy.Backups.
package backups
