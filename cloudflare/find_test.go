package cloudflare_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"towline/cloudflare"
	"towline/deploy"
)

// listing is a server with n databases whose names all contain "shop", the last of which is called "shop".
func listing(t *testing.T, n, pageAtMost int, total bool) (*cloudflare.D1, func() []string) {
	return serving(t, func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		size = min(size, pageAtMost)
		list := []map[string]string{}
		for i := (page-1)*size + 1; i <= min(page*size, n); i++ {
			name := fmt.Sprintf("shop-%d", i)
			if i == n {
				name = r.URL.Query().Get("name")
			}
			list = append(list, map[string]string{"name": name, "uuid": fmt.Sprintf("00000000-0000-4000-8000-%012d", i)})
		}
		answer := map[string]any{"success": true, "result": list}
		if total {
			answer["result_info"] = map[string]int{"total_count": n}
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

func TestADatabaseIsFoundOnTheLastPage(t *testing.T) {
	for _, c := range []struct {
		name          string
		n, pageAtMost int
		total         bool
		calls         int
	}{
		{"the only one", 1, 1000, true, 1},
		{"on the third page", 250, 1000, true, 3},
		{"where pages are shorter than asked for", 45, 20, true, 3},
		{"where no total is told", 250, 1000, false, 3},
	} {
		d, seen := listing(t, c.n, c.pageAtMost, c.total)
		want := fmt.Sprintf("00000000-0000-4000-8000-%012d", c.n)
		if db, err := d.Find(t.Context(), "shop"); err != nil || db.ID != want || len(seen()) != c.calls {
			t.Errorf("%s: %+v, %v after %d calls; want %s after %d", c.name, db, err, len(seen()), want, c.calls)
		}
	}
}

func TestASearchEndsWhereTheListDoes(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		total bool
		calls int
	}{
		{"nothing at all", 0, true, 1},
		{"one page", 30, true, 1},
		{"exactly two pages", 200, true, 2},
		{"exactly two pages, and no total", 200, false, 3},
	} {
		d, seen := serving(t, func(w http.ResponseWriter, r *http.Request) {
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			list := []map[string]string{}
			for i := (page-1)*100 + 1; i <= min(page*100, c.n); i++ {
				list = append(list, map[string]string{"name": fmt.Sprintf("shop-%d", i), "uuid": anID})
			}
			answer := map[string]any{"success": true, "result": list}
			if c.total {
				answer["result_info"] = map[string]int{"total_count": c.n}
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
		if db, err := d.Find(t.Context(), "shop"); !errors.Is(err, deploy.ErrNoDatabase) || len(seen()) != c.calls {
			t.Errorf("%s: %+v, %v after %d calls; want none after %d", c.name, db, err, len(seen()), c.calls)
		}
	}
}

func TestAListThatNeverEndsIsGivenUp(t *testing.T) {
	full := make([]map[string]string, 100)
	for i := range full {
		full[i] = map[string]string{"name": fmt.Sprintf("shop-%d", i), "uuid": anID}
	}
	body, err := json.Marshal(map[string]any{"success": true, "result": full})
	if err != nil {
		t.Fatal(err)
	}
	d, seen := answering(t, 200, string(body))
	_, err = d.Find(t.Context(), "shop")
	expectClass(t, "Find", err, false)
	if errors.Is(err, deploy.ErrNoDatabase) || len(seen()) != 500 {
		t.Errorf("%v after %d calls", err, len(seen()))
	}
}
