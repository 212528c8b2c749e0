package page_test

import (
	"io"
	"mime/multipart"
	"testing"
)

// form writes a multipart body.
type form struct {
	t *testing.T
	w *multipart.Writer
}

func newForm(t *testing.T, into io.Writer) *form { return &form{t: t, w: multipart.NewWriter(into)} }

func (f *form) field(name, value string) {
	f.t.Helper()
	must(f.t, f.w.WriteField(name, value))
}

func (f *form) file(field, name, content string) {
	f.t.Helper()
	part, err := f.w.CreateFormFile(field, name)
	must(f.t, err)
	_, err = io.WriteString(part, content)
	must(f.t, err)
}

// done closes the form and returns its content type.
func (f *form) done() string {
	f.t.Helper()
	must(f.t, f.w.Close())
	return f.w.FormDataContentType()
}
