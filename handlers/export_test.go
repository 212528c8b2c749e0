package handlers

// Until is until, for the tests.
var Until = until
