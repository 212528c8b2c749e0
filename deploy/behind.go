package deploy

import "context"

// behind does something beside the runs, until a stop ends its context. false: the engine is not at work, and nothing is done.
func (r *runners) behind(do func(context.Context)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil || r.ctx.Err() != nil {
		return false
	}
	ctx := r.ctx
	r.group.Go(func() { do(ctx) })
	return true
}
