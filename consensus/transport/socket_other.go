//go:build !linux

package transport

import "net"

// limitUnsent does nothing here: frames with priority wait for the kernel's queue.
func limitUnsent(net.Conn) {}
