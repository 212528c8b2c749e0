package rehearse

// SlowerOnD1 is by how much D1 is taken to be slower than the copy on this machine, for Effects.Estimated.
const SlowerOnD1 = 4

// Document writes the whole report as a plain text for people, to be sent as a file.
func Document(report Report) []byte { return nil }
