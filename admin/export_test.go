package admin

import "time"

// SetPatience makes the server wait longer: a test's limits only end what hangs.
func (s *Server) SetPatience(d time.Duration) { s.patience = d }
