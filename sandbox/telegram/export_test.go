package telegram

// BreakState makes every further write of the state fail, as a full disk does.
func BreakState(s *Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.journal.file.Close()
}

// Polls tells whether a long poll waits.
func Polls(s *Server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inbox.poll != nil
}

// Lanes tells how many lanes are being sent to the webhook.
func Lanes(s *Server) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hook.lanes)
}
