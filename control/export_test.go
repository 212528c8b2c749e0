package control

import (
	"context"
	"net"
)

// For the tests of what this machine does not use.
var (
	ClaimFile   = claimFile
	ClaimName   = claimName
	Presentable = presentable

	// ConnectWithin does not wait as long as Connect.
	ConnectWithin = connect
)

// PeersAreTold says whether the kernel tells who is at the other end.
const PeersAreTold = peersAreTold

// Longest is how long a socket's path may be without a detour.
const Longest = longest

// SetOwner makes the server another user's.
func (s *Server) SetOwner(uid int) { s.owner = uid }

// ServeOn answers on a listener that is no socket, whoever connects.
func (s *Server) ServeOn(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve(l, func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, peerKey{}, Peer{UID: s.owner})
	})
}

// MayTalk is the rule about who may.
func MayTalk(peer, owner int) bool { return Peer{UID: peer}.mayTalk(owner) }
