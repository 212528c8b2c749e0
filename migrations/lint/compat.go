package lint

func compatRules() []rule { return nil }
