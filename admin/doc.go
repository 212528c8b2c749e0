// Package admin is what programs read of a running bot, on a listener of its own: figures for Prometheus at /metrics, and whether the bot is at
// work at /healthz and /readyz. It has no buttons and changes nothing.
//
// Everything it tells comes from a Source, which is asked anew at each scrape. Counters count since the process began, as Prometheus wants them.
// A part that cannot be told is left out, and towline_scrape_failed says which; it is never 0 for want of an answer. The listener asks nobody who
// they are: what it tells are names of projects and databases, counts and times, never what is in them, and no secret.
package admin
