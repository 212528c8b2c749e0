package telegram

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Limits of a photo (core.telegram.org/bots/api, sendPhoto).
const (
	maxSides = 10_000 // width and height together
	maxRatio = 20
	maxAlbum = 10
	minAlbum = 2
)

// storedFile is an uploaded file.
type storedFile struct {
	File
	unique  string // file_unique_id
	path    string // below /file/bot<TOKEN>/
	content []byte
}

// random fills b; without randomness there is nothing sensible to do.
func (s *Server) random(b []byte) {
	if _, err := io.ReadFull(s.o.Random, b); err != nil {
		panic("telegram: the source of randomness failed: " + err.Error())
	}
}

func (s *Server) randomID(bytes int) string {
	b := make([]byte, bytes)
	s.random(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// storeFile keeps an upload under a new file id.
func (s *Server) storeFile(u *Upload, folder string) *File {
	kind := mime.TypeByExtension(path.Ext(u.Name))
	if kind == "" {
		kind = http.DetectContentType(u.Content)
	}
	kind, _, _ = strings.Cut(kind, ";")
	prefix := "BQAC"
	if folder == "photos" {
		prefix = "AgAC"
	}
	f := &storedFile{
		File:   File{ID: prefix + s.randomID(30), Name: path.Base(u.Name), Size: len(u.Content), MIME: kind},
		unique: s.randomID(9), content: u.Content,
		path: folder + "/file_" + strconv.Itoa(len(s.files)) + path.Ext(u.Name),
	}
	s.files[f.ID] = f
	s.paths[f.path] = f
	if s.journal != nil {
		s.journal.files = append(s.journal.files, f)
	}
	file := f.File
	return &file
}

// fileOf reads a file parameter: an upload, or the id of a file that was sent before. what is document or photo.
func (s *Server) fileOf(r *request, name, text, what string) (*File, *apiError) {
	if u := r.file(name, text); u != nil {
		return s.newFile(u, what)
	}
	if strings.Contains(text, "://") {
		return nil, malformed("the sandbox does not fetch files from the web")
	}
	f := s.files[text]
	if f == nil {
		return nil, badRequest("wrong file identifier/HTTP URL specified")
	}
	if isPhoto := f.Width > 0; isPhoto != (what == "photo") {
		return nil, badRequest("type of file mismatch")
	}
	file := f.File
	return &file, nil
}

func (s *Server) newFile(u *Upload, what string) (*File, *apiError) {
	switch size := len(u.Content); {
	case size == 0:
		return nil, malformed("file must be non-empty")
	case size > maxUpload:
		return nil, &apiError{code: http.StatusRequestEntityTooLarge, text: "Request Entity Too Large", malformed: true}
	case what != "photo":
		return s.storeFile(u, "documents"), nil
	case size > maxPhoto:
		return nil, malformed(fmt.Sprintf("file of size %d bytes is too big for a photo; the maximum size is %d bytes", size, maxPhoto))
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(u.Content))
	if err != nil {
		return nil, malformed("IMAGE_PROCESS_FAILED")
	}
	long, short := max(config.Width, config.Height), min(config.Width, config.Height)
	if long+short > maxSides || short == 0 || long > maxRatio*short {
		return nil, malformed("PHOTO_INVALID_DIMENSIONS")
	}
	f := s.storeFile(u, "photos")
	f.Width, f.Height = config.Width, config.Height
	s.files[f.ID].File = *f
	return f, nil
}

func (s *Server) sendDocument(r *request) (any, *apiError) { return s.sendFile(r, "document") }

func (s *Server) sendPhoto(r *request) (any, *apiError) { return s.sendFile(r, "photo") }

func (s *Server) sendFile(r *request, what string) (any, *apiError) {
	f, failed := s.captionOf(r)
	if failed != nil {
		return nil, failed
	}
	d, failed := s.startDraft(r)
	if failed != nil {
		return nil, failed
	}
	file, failed := s.fileOf(r, what, r.str(what), what)
	if failed != nil {
		return nil, failed
	}
	if failed := s.checkRate(d.c, 1); failed != nil {
		return nil, failed
	}
	m := s.finish(d, func(m *message) {
		m.Text, m.Entities = f.text, f.entities
		m.setFile(file, what)
	})
	return s.messageJSON(d.c, m, true), nil
}

func (m *Message) setFile(f *File, what string) {
	m.Document, m.Photo = nil, nil
	if what == "photo" {
		m.Photo = f
	} else {
		m.Document = f
	}
}

// inputMedia is InputMediaPhoto or InputMediaDocument; the sandbox has no other kinds of media.
type inputMedia struct {
	Type      string            `json:"type"`
	Media     string            `json:"media"`
	Caption   string            `json:"caption"`
	ParseMode string            `json:"parse_mode"`
	Entities  []json.RawMessage `json:"caption_entities"`
}

// mediaContent is what a media object puts into a message.
type mediaContent struct {
	file *File
	text formatted
	what string
}

func (s *Server) mediaOf(r *request, in inputMedia) (mediaContent, *apiError) {
	if in.Type != "photo" && in.Type != "document" {
		return mediaContent{}, malformed("the sandbox does not carry out media of type " + in.Type)
	}
	text, failed := s.textOf(in.Caption, in.ParseMode, in.Entities, maxCaption)
	if failed != nil {
		return mediaContent{}, failed
	}
	file, failed := s.fileOf(r, "", in.Media, in.Type)
	return mediaContent{file, text, in.Type}, failed
}

func (s *Server) sendMediaGroup(r *request) (any, *apiError) {
	var list []inputMedia
	if failed := r.object("media", &list); failed != nil {
		return nil, failed
	}
	if len(list) < minAlbum || len(list) > maxAlbum {
		return nil, malformed("media group must include 2-10 items")
	}
	d, failed := s.startDraft(r)
	if failed != nil {
		return nil, failed
	}
	var contents []mediaContent
	for _, in := range list {
		content, failed := s.mediaOf(r, in)
		if failed != nil {
			return nil, failed
		}
		contents = append(contents, content)
	}
	if failed := s.checkRate(d.c, len(list)); failed != nil {
		return nil, failed
	}
	album := strconv.FormatInt(s.randomUint(), 10)
	var sent []any
	for _, content := range contents {
		m := s.finish(d, func(m *message) {
			m.album, m.Text, m.Entities = album, content.text.text, content.text.entities
			m.setFile(content.file, content.what)
		})
		sent = append(sent, s.messageJSON(d.c, m, true))
	}
	return sent, nil
}

func (s *Server) editMessageMedia(r *request) (any, *apiError) {
	var in inputMedia
	if failed := r.object("media", &in); failed != nil {
		return nil, failed
	}
	c, m, k, failed := s.editable(r)
	if failed != nil {
		return nil, failed
	}
	if m.album != "" && m.Photo == nil != (in.Type != "photo") {
		return nil, badRequest("can't use the media of the specified type in the album")
	}
	content, failed := s.mediaOf(r, in)
	if failed != nil {
		return nil, failed
	}
	edited := m.Message
	edited.Text, edited.Entities = content.text.text, content.text.entities
	edited.setFile(content.file, content.what)
	return s.change(c, m, k, edited)
}

func (s *Server) getFile(r *request) (any, *apiError) {
	f := s.files[r.str("file_id")]
	switch {
	case f == nil:
		return nil, badRequest("invalid file_id")
	case f.Size > maxDownload:
		return nil, badRequest("file is too big")
	}
	return map[string]any{"file_id": f.ID, "file_unique_id": f.unique, "file_size": f.Size, "file_path": f.path}, nil
}

// serveFile answers /file/bot<TOKEN>/<path>.
func (s *Server) serveFile(w http.ResponseWriter, rest string) {
	token, name, _ := strings.Cut(rest, "/")
	if !s.isToken(token) {
		s.write(w, errorReply(&apiError{code: http.StatusUnauthorized, text: "Unauthorized"}))
		return
	}
	s.mu.Lock()
	f := s.paths[name]
	s.mu.Unlock()
	if f == nil {
		s.write(w, errorReply(&apiError{code: http.StatusNotFound, text: "Not Found"}))
		return
	}
	s.write(w, reply{status: http.StatusOK, kind: "application/octet-stream", body: f.content})
}

// Document returns the content of a file, by its file id.
func (s *Server) Document(fileID string) (name string, content []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[fileID]
	if f == nil {
		return "", nil, false
	}
	return f.Name, bytes.Clone(f.content), true
}
