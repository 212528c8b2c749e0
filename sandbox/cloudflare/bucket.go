package cloudflare

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bucket is the object storage through which exports leave and imports arrive. Who has a signed address may do the one thing
// that it was signed for, until it expires; the API's token opens nothing here and is refused, as R2 refuses a request
// with two ways to prove itself.
type bucket struct {
	surroundings
	mu     sync.Mutex
	files  map[string][]byte
	grants map[string]grant // by signature
}

// grant is what a signed address is good for.
type grant struct {
	method, file string
	until        time.Time
}

// storagePath is where the storage is, below the API so that whoever passes the API on passes it on as well.
const storagePath = "/client/v4/r2/"

// signedFor is how long a signed address is good: "Available for one hour" (API reference, "Export D1 Database as SQL").
const signedFor = time.Hour

func newBucket(around surroundings) *bucket {
	return &bucket{surroundings: around, files: map[string][]byte{}, grants: map[string]grant{}}
}

// sign returns an address below origin, such as http://127.0.0.1:1234.
func (b *bucket) sign(origin, method, file string) (string, error) {
	random, err := b.random.bytes(32)
	if err != nil {
		return "", err
	}
	signature := hex.EncodeToString(random)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grants[signature] = grant{method, file, b.now().Add(signedFor)}
	return origin + storagePath + file + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=" +
		strconv.Itoa(int(signedFor.Seconds())) + "&X-Amz-Signature=" + signature, nil
}

func (b *bucket) put(file string, content []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[file] = content
}

func (b *bucket) get(file string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.files[file]
	return content, ok
}

func (b *bucket) allows(r *http.Request, file string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, ok := b.grants[r.URL.Query().Get("X-Amz-Signature")]
	return ok && g.method == r.Method && g.file == file && b.now().Before(g.until)
}

// ServeHTTP implements [http.Handler].
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file := strings.TrimPrefix(r.URL.Path, storagePath)
	if r.Header.Get("Authorization") != "" {
		storageError(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
		return
	}
	if !b.allows(r, file) {
		storageError(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature does not match, or has expired")
		return
	}
	if r.Method == http.MethodPut {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			storageError(w, http.StatusBadRequest, "IncompleteBody", "The body is incomplete")
			return
		}
		b.put(file, content)
		w.Header().Set("ETag", `"`+etag(content)+`"`)
		return
	}
	content, ok := b.get(file)
	if !ok {
		storageError(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist")
		return
	}
	w.Header().Set("ETag", `"`+etag(content)+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
}

func storageError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+"</Code><Message>"+message+"</Message></Error>")
}

// etag is the MD5 of a content, in hexadecimal.
func etag(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}
