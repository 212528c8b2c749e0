// Package admin is what programs read of a running bot, on a listener of its own: figures for Prometheus at /metrics, and whether the bot is at
// work at /healthz and /readyz. It has no buttons and changes nothing.
package admin
