package bot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// painted is a PNG in one shade of grey.
func painted(t *testing.T, wide, high int, shade uint8) []byte {
	t.Helper()
	im := image.NewGray(image.Rect(0, 0, wide, high))
	for i := range im.Pix {
		im.Pix[i] = color.Gray{Y: shade}.Y
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, im))
	return b.Bytes()
}

// usage is a frame with a picture and a button.
func usage(words string, picture []byte) bot.Frame {
	return bot.Frame{
		Place: bot.Place{Chat: group}, HTML: words, Photo: &bot.Photo{Name: "usage.png", Content: picture},
		Buttons: [][]bot.Button{{{Text: "Dark", Data: "dark"}}},
	}
}

// shows tells whether a message has exactly this picture.
func (r *rig) shows(m telegram.Message, picture []byte) bool {
	if m.Photo == nil {
		return false
	}
	_, content, ok := r.server.Document(m.Photo.ID)
	return ok && bytes.Equal(content, picture)
}

func TestAPictureIsPostedOnceAndAnotherTakesItsPlaceInTheSameMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		light, dark := painted(t, 64, 36, 250), painted(t, 64, 36, 20)
		r.want("usage/1", usage("<b>the week</b>", light))
		r.settle()
		posts := r.posts(group)
		if len(posts) != 1 || posts[0].Text != "the week" || !r.shows(posts[0], light) || len(posts[0].Buttons) != 1 {
			t.Fatalf("posted %+v", posts)
		}
		first := posts[0].ID
		r.want("usage/1", usage("the week, with words", light))
		r.settle()
		if n := r.calls("editMessageMedia"); n != 0 {
			t.Errorf("new words sent the picture again, %d times", n)
		}
		r.want("usage/1", usage("the week, in the dark", dark))
		r.settle()
		posts = r.posts(group)
		if len(posts) != 1 || posts[0].ID != first || posts[0].Text != "the week, in the dark" || !r.shows(posts[0], dark) || len(posts[0].Buttons) != 1 {
			t.Errorf("became %+v", posts)
		}
		r.restart()
		r.want("usage/1", usage("the week, in the dark", dark))
		r.settle()
		if send, edit := r.calls("sendPhoto"), r.calls("editMessageMedia"); send != 1 || edit != 1 {
			t.Errorf("sent %d times, replaced %d times", send, edit)
		}
		if a := r.press(lead, group, first, "Dark"); a.Text != "noted dark" {
			t.Errorf("a press was answered %+v", a)
		}
	})
}

func TestAPictureWhoseMessageIsGoneOrElsewhereIsPostedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		light, dark := painted(t, 64, 36, 250), painted(t, 64, 36, 20)
		r.want("usage/1", usage("one", light))
		r.settle()
		must(t, r.server.Delete(context.Background(), group, r.posts(group)[0].ID, lead))
		r.want("usage/1", usage("two", dark))
		r.settle()
		if posts := r.posts(group); len(posts) != 1 || !r.shows(posts[0], dark) || posts[0].Text != "two" {
			t.Fatalf("after a deletion: %+v", posts)
		}
		f := usage("three", dark)
		f.Place.Chat, f.Left = other, "went to the other chat"
		r.want("usage/1", f)
		r.settle()
		if posts := r.posts(other); len(posts) != 1 || !r.shows(posts[0], dark) {
			t.Errorf("in the other chat: %+v", posts)
		}
		if left := r.live(group); len(left) != 0 {
			t.Errorf("buttons were left behind on %v", left)
		}
	})
}

func TestAnOlderServerGetsAPicturesWordsWithoutMarkup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Transport = older{o.Transport} })
		r.start()
		for i, shade := range []uint8{250, 20} {
			words := fmt.Sprintf(`week %d since <tg-time unix="1795265817" format="r">noon</tg-time>`, i)
			r.want("usage/1", usage(words, painted(t, 64, 36, shade)))
			r.settle()
			if posts := r.posts(group); len(posts) != 1 || posts[0].Text != fmt.Sprintf("week %d since noon", i) || !r.shows(posts[0], painted(t, 64, 36, shade)) {
				t.Fatalf("shown is %+v", posts)
			}
		}
	})
}

func TestACardIsTextFileOrPictureForGood(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	at := bot.Place{Chat: group}
	text := bot.Frame{Place: at, HTML: "x"}
	file, picture := text, text
	file.Document = &bot.Document{Name: "a.sql", Content: []byte("SELECT 1;")}
	picture.Photo = &bot.Photo{Name: "a.png", Content: painted(t, 20, 20, 0)}
	frames := []bot.Frame{text, file, picture}
	for i, f := range frames {
		r.want(fmt.Sprint(i), f)
		for j, g := range frames {
			var refused *bot.FrameError
			err := r.bot.Outbox().Want(context.Background(), fmt.Sprint(i), g)
			if errors.As(err, &refused) != (i != j) {
				t.Errorf("from form %d to form %d: %v", i, j, err)
			}
		}
	}
}

func TestAPictureThatTelegramWouldRefuseIsRefusedAtOnce(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	good := painted(t, 64, 36, 250)
	both := usage("x", good)
	both.Document = &bot.Document{Name: "a", Content: []byte("a")}
	nameless := usage("x", good)
	nameless.Photo.Name = ""
	for name, f := range map[string]bot.Frame{
		"no content":         usage("x", nil),
		"no name":            nameless,
		"no PNG":             usage("x", []byte("GIF89a")),
		"too many bytes":     usage("x", append(good, make([]byte, 10<<20)...)),
		"too long a side":    usage("x", painted(t, 9400, 601, 0)),
		"too thin":           usage("x", painted(t, 2100, 100, 0)),
		"too long a caption": usage(strings.Repeat("x", 1025), good),
		"a file as well":     both,
	} {
		var refused *bot.FrameError
		if err := r.bot.Outbox().Want(context.Background(), "k", f); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.want("widest", usage("", painted(t, 9000, 450, 0)))
}

// TestTheWantedPictureIsShownWhereverTheProcessDies replaces a picture by another and wants the first again, and lets the process die once at each of
// its points. Whatever Telegram shows after the death, at the end it is what was wanted last.
func TestTheWantedPictureIsShownWhereverTheProcessDies(t *testing.T) {
	points := 0
	for died := true; died; points++ {
		synctest.Test(t, func(t *testing.T) { died = pictureWithOneDeath(t, points) })
		if t.Failed() {
			t.Fatalf("dying at point %d", points)
		}
		if points > 200 {
			t.Fatal("the story does not come to an end")
		}
	}
	if points < 12 {
		t.Errorf("the story has only %d points", points)
	}
	t.Logf("%d points", points)
}

func pictureWithOneDeath(t *testing.T, points int) (died bool) {
	r := newRig(t, nil)
	light, dark := painted(t, 64, 36, 250), painted(t, 64, 36, 20)
	frames := []bot.Frame{usage("light", light), usage("dark", dark)}
	wanted := 0
	done := func() bool {
		ctx := context.Background()
		if wanted < len(frames) && (wanted == 0 || r.finished()) {
			if r.bot.Outbox().Want(ctx, "usage/1", frames[wanted]) == nil {
				wanted++
			}
			return false
		}
		return wanted == len(frames) && r.finished()
	}
	died = r.life(points, done)
	// What comes next is as it was at first, so that a death in the midst of the edit can be mistaken for nothing to do.
	frames, wanted = []bot.Frame{usage("light", light)}, 0
	r.life(1_000_000, done)
	posts := r.posts(group)
	if len(posts) == 0 || len(posts) > 2 {
		t.Fatalf("%d messages after one death", len(posts))
	}
	if last := posts[len(posts)-1]; last.Text != "light" || !r.shows(last, light) || len(last.Buttons) != 1 {
		t.Errorf("shown at the end: %+v", last)
	}
	if live := r.live(group); len(live) > 1+len(posts)-1 {
		t.Errorf("messages with buttons: %v", live)
	}
	return died
}

func TestAReplacementWhoseAnswerIsLostIsRepeatedInTheSameMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		light, dark := painted(t, 64, 36, 250), painted(t, 64, 36, 20)
		r.want("usage/1", usage("light", light))
		r.settle()
		r.server.Fault(telegram.Fault{Kind: telegram.LostAfter, Method: "editMessageMedia"})
		r.want("usage/1", usage("dark", dark))
		elapse(time.Second)
		r.want("usage/1", usage("light", light)) // as it was before the edit whose fate is open
		r.settle()
		if posts := r.posts(group); len(posts) != 1 || posts[0].Text != "light" || !r.shows(posts[0], light) {
			t.Errorf("shown is %+v", posts)
		}
	})
}
