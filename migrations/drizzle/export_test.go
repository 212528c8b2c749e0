package drizzle

// WithBreakpoints is tested from outside.
func WithBreakpoints(name string, sql []byte) []byte { return withBreakpoints(name, sql) }
