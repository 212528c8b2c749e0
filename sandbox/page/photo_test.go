package page_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"testing"
)

// paint is a PNG of a size.
func paint(t *testing.T, wide, high int) string {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, wide, high))))
	return b.String()
}

// picture sends a photo, or puts another one into a message.
func (w *world) picture(method, content string, fields map[string]string) int {
	w.t.Helper()
	var body bytes.Buffer
	form := newForm(w.t, &body)
	form.field("chat_id", fmt.Sprint(group))
	for name, value := range fields {
		form.field(name, value)
	}
	form.file("photo", "usage.png", content)
	kind := form.done()
	req, err := http.NewRequest(http.MethodPost, w.api+method, &body)
	must(w.t, err)
	req.Header.Set("Content-Type", kind)
	var m struct {
		MessageID int `json:"message_id"`
	}
	must(w.t, w.roundTrip(req, &m))
	return m.MessageID
}

// looking is about a picture: it is shown within the message, and one that takes its place is shown in its stead.
func looking(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	id := w.picture("sendPhoto", paint(t, 1280, 720), map[string]string{"caption": "The week"})
	tb := b.open(t, w.url)
	tb.until(`document.querySelector(".photo")?.naturalWidth === 1280`)
	tb.until(contains(".message", "The week"))
	media, err := json.Marshal(map[string]string{"type": "photo", "media": "attach://photo", "caption": "The month"})
	must(t, err)
	w.picture("editMessageMedia", paint(t, 640, 360), map[string]string{"message_id": fmt.Sprint(id), "media": string(media)})
	tb.until(contains(".message", "The month"))
	tb.until(`document.querySelector(".photo")?.naturalWidth === 640`)
	tb.size(390, 844)
	tb.until(`innerWidth === 390 && document.querySelector(".brand").offsetParent === null`)
	if wide := value[float64](tb, `document.querySelector(".photo").getBoundingClientRect().right`); wide > 390 {
		t.Errorf("the picture reaches to %v of 390", wide)
	}
}
