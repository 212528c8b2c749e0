package backups

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// keys are what copies are encrypted for and decrypted with. The identities are secrets; nothing here prints them.
type keys struct {
	identities []age.Identity
	recipients []age.Recipient
}

// Format hides the key from every verb of package fmt.
func (keys) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key]") }

// parseKeys reads a file of age-keygen, which may hold several identities and comments. An empty text is no key. The error
// does not contain the text.
func parseKeys(text string) (keys, error) {
	if strings.TrimSpace(text) == "" {
		return keys{}, nil
	}
	identities, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return keys{}, errors.New("the key is not a file of age-keygen: no line with AGE-SECRET-KEY- could be read")
	}
	k := keys{identities: identities}
	for _, identity := range identities {
		switch i := identity.(type) {
		case *age.X25519Identity:
			k.recipients = append(k.recipients, i.Recipient())
		case *age.HybridIdentity:
			k.recipients = append(k.recipients, i.Recipient())
		default:
			return keys{}, errors.New("the key is of a kind that cannot encrypt; make one with age-keygen")
		}
	}
	return k, nil
}

func (k keys) held() bool { return len(k.recipients) > 0 }
