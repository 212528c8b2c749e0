package telegram

// BreakState makes every further write of the state fail, as a full disk does.
func BreakState(s *Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.journal.file.Close()
}
