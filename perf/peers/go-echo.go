// The echo server as it is written in Go: a goroutine a connection, each with a buffer of its own. Write returns when
// all is sent, so a peer that does not read is slowed down by TCP. Go sets TCP_NODELAY itself.
//
// io.Copy(connection, connection) would be shorter, and splice(2) through a pipe: two system calls more a message.
//
// usage: go-echo      prints "ready PORT PID", ends when its standard input ends
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

const bufferSize = 16 * 1024

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
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
	buffer := make([]byte, bufferSize)
	for {
		length, err := connection.Read(buffer)
		if length > 0 {
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
