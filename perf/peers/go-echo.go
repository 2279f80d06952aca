// The echo server as it is written in Go: a goroutine a connection, each with a buffer of its own. Write returns when
// all is sent, so a peer that does not read is slowed down by TCP. Go sets TCP_NODELAY itself.
//
// io.Copy(connection, connection) would be shorter, and splice(2) through a pipe: two system calls more a message.
//
// With --timers a connection also has a timer that closes it when it is idle, which each request starts anew, and N more
// are due between 1 and 25 hours from the start.
//
// usage: go-echo [--timers N]      prints "ready PORT PID", ends when its standard input ends
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"
)

const (
	bufferSize = 16 * 1024
	idleLimit  = time.Minute

	// Prime to the number of timers, so that each has its own time, and they are not started in the order in which they
	// are due.
	stride = 7919
)

var pendingTimers = flag.Int("timers", -1, "timers pending beside one a connection; -1 for none at all")

func main() {
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	for i := 0; i < *pendingTimers; i++ {
		place := i * stride % *pendingTimers
		time.AfterFunc(time.Hour+24*time.Hour/time.Duration(*pendingTimers)*time.Duration(place), func() {})
	}
	go leaveWhenInputEnds()
	fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection)
	}
}

func serve(connection net.Conn) {
	defer connection.Close()
	var idle *time.Timer
	if *pendingTimers >= 0 {
		idle = time.AfterFunc(idleLimit, func() { connection.Close() })
		defer idle.Stop()
	}
	buffer := make([]byte, bufferSize)
	for {
		length, err := connection.Read(buffer)
		if length > 0 {
			if idle != nil {
				idle.Reset(idleLimit)
			}
			if _, err := connection.Write(buffer[:length]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// The runner holds the other end of standard input, so that no server outlives it.
func leaveWhenInputEnds() {
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
