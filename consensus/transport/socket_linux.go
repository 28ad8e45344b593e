package transport

import (
	"net"
	"syscall"
)

// unsentBytes is how much of what was written the kernel may hold unsent. By default
// that is megabytes, all of which stand before a heartbeat; what is sent and not yet
// acknowledged is not limited by it, so neither is throughput over a distance.
const (
	unsentBytes        = 128 << 10
	tcpNotSentLowWater = 25 // TCP_NOTSENT_LOWAT
)

// limitUnsent does what it can: a connection that is no TCP has no such queue.
func limitUnsent(conn net.Conn) {
	tcp, ok := underneath(conn).(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowWater, unsentBytes)
	})
}
