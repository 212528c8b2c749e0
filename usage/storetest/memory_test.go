package storetest_test

import (
	"testing"

	"towline/usage/storetest"
)

func TestTheStoreInMemoryKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) func() storetest.Store {
		m := storetest.NewMemory()
		return func() storetest.Store { return m }
	})
}
