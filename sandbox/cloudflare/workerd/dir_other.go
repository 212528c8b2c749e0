//go:build !linux

package workerd

func roomy(string) bool { return false }
