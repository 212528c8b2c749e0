// Package cloudflare is D1 as package deploy wants it, over Cloudflare's own Go SDK. It is the only place that knows
// Cloudflare's API; nothing of the SDK leaves it.
//
// [New] makes a [D1] for one account and one token. It implements deploy.Databases, and the suite in deploy/d1test is its
// contract. From the bottom up:
//
//   - Every request of a call passes one function, listen, which reads the whole answer and judges it. The SDK takes HTTP 200
//     with "success": false, or with "{}", for success; here it is an error like any other.
//   - What an answer means is one table, classify. It has two columns because a write needs them: a definite no, after which
//     nothing of what was asked for is there (deploy.RejectedError), and everything else (deploy.UnansweredError). Whatever
//     is not surely the first is the second: looking once too often costs a call, being wrong costs a team's data.
//   - A write is one HTTP request, whatever happens: the SDK's retries, which re-send a POST after a timeout or a 409, are
//     off for every call, and redirects are not followed. A read is repeated by this package, three times at most.
//   - Two errors say more than yes or no: [PermissionError] names the permission that the token lacks, [RateLimitedError]
//     when to come back. Both lead, by errors.As, to the error of deploy that they are.
//
// Analytics are asked over GraphQL, without the SDK. A D1 implements usage.Source, whose contract is the suite in usage/sourcetest, and
// deploy's Analytics, QueryCounts and TrafficCounts. A question (graphql.go) is about one dataset and has no aliases; schema.go remembers which
// fields an account does not have, and how much it may ask; stretch.go walks through time where one answer cannot hold it all. An answer with
// data and errors both is an error, and what was not counted is missing, never 0. testdata/analytics.graphql holds all that may be relied on.
//
// [D1.Stats] counts every call.
//
// [D1.Verify] and [D1.Permissions] are for `towline check`: they find out what a token may without changing anything, and
// say so where that cannot be found out.
//
// No error and no log line of this package contains the token.
package cloudflare
