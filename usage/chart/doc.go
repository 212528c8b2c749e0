// Package chart draws what was used, as pictures for a chat: PNGs of 1280 by 720 pixels, light or dark, that a phone shows 390 points wide.
//
// At the bottom is a canvas: rectangles on whole pixels, lines, and text in the Go fonts. A scale says where values lie and which of them are
// written beside a panel, a calendar does the same for days. A plot puts one panel's bars or line, forecast, limit and marks on both, and PNG
// sets the panels beneath a headline.
//
// What was not counted is hatched, so that it cannot be taken for nothing used. What is forecast is dashed, with the band it should stay in, on
// a ground of its own. Colours are told apart also by those who see red and green alike (blue and vermilion, after Okabe and Ito), and nothing is
// told by colour alone. The same picture is the same PNG, byte for byte, on one kind of machine.
package chart
