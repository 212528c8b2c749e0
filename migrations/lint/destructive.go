package lint

func destructiveRules() []rule { return nil }
