// Package chart draws what was used, as pictures for a chat.
package chart
