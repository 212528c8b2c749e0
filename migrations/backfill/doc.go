// Package backfill knows the files that change many rows a few at a time. It is pure: text and values in, statements out.
//
// Such a file holds one block and nothing else:
//
//	-- towline:backfill name=users_email_lower table=users key=id batch=500 max_batch_ms=150 nice=1.0
//	--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL
//	--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)
//	UPDATE users SET email_lower = lower(email)
//	 WHERE email_lower IS NULL AND email IS NOT NULL   -- the guard: false for a row that was done
//	   /* :window */;                                  -- a range of keys is put in here
//	-- towline:end
//
// From the bottom up: Parse makes a Job of a file, or says with line and column why not. Check holds a job against a
// schema: its key, its guard, the plan of its statements. Begin, Window, Last, Again and Pause are the transactions that
// carry it out, and State what they leave in the database between them. Throttle decides how many rows the next window
// has and how long to rest after it, Probes whether others have to wait too long.
//
// # Without Towline
//
// The file is a migration like any other to wrangler, and its author decides what happens there. With the window in a
// comment, as above, it is one plain statement over all rows, which is right where the rows are few. With
//
//	WHERE email_lower IS NULL AND towline_window();
//
// it is refused ("no such function: towline_window"), and since wrangler sends the ledger row together with the file, it
// stays pending.
package backfill
