package bot

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// aliases maps the ids of groups that became supergroups to their new ids.
type aliases struct {
	store Store

	mu  sync.Mutex
	ids map[int64]int64
}

func (a *aliases) load(ctx context.Context) error {
	ids, err := a.store.Aliases(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = ids
	return nil
}

// resolve returns the id that a chat has now.
func (a *aliases) resolve(chat int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range len(a.ids) {
		to, ok := a.ids[chat]
		if !ok {
			break
		}
		chat = to
	}
	return chat
}

// names returns every id that a chat has or had.
func (a *aliases) names(chat int64) []int64 {
	a.mu.Lock()
	olds := slices.Sorted(maps.Keys(a.ids))
	a.mu.Unlock()
	chat = a.resolve(chat)
	return append(slices.DeleteFunc(olds, func(id int64) bool { return a.resolve(id) != chat || id == chat }), chat)
}

// old returns the ids that chats have no more.
func (a *aliases) old() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.ids))
}

// set stores that a chat has another id now.
func (a *aliases) set(ctx context.Context, from, to int64) error {
	if from == to || from == 0 || to == 0 {
		return nil
	}
	if err := a.store.SetAlias(ctx, from, to); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids == nil {
		a.ids = map[int64]int64{}
	}
	a.ids[from] = to
	return nil
}
