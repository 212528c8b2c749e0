package control

import "time"

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

// SetLimits makes the server less patient.
func (s *Server) SetLimits(each time.Duration) {
	s.limits = limits{header: each, body: each, stall: each}
}

// MayTalk is the rule about who may.
func MayTalk(peer, owner int) bool { return Peer{UID: peer}.mayTalk(owner) }
