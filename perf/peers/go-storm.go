// The client of the connect storm as it is written in Go: as many goroutines as connects may be under way, each of which
// dials until none is left. Go sets TCP_NODELAY itself.
//
// usage: see storm.h
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type storm struct {
	address     string
	count       int
	inFlight    int
	connections []net.Conn
	latencies   []time.Duration // of the storms that count, one slot a connect
	failed      int64
}

func main() {
	port := flag.Int("port", 0, "of the sink")
	count := flag.Int("count", 0, "connections of a storm")
	inFlight := flag.Int("in-flight", 0, "connects under way at once")
	warmup := flag.Float64("warmup", 0, "seconds of storms before those that count")
	seconds := flag.Float64("seconds", 0, "storms until they alone took that long")
	flag.Parse()
	s := &storm{address: fmt.Sprintf("127.0.0.1:%d", *port), count: *count, inFlight: *inFlight, connections: make([]net.Conn, *count)}

	start := time.Now()
	for first := true; first || time.Since(start).Seconds() < *warmup; first = false {
		s.latencies = make([]time.Duration, s.count)
		s.openAll(s.latencies)
		s.resetAll()
	}

	fmt.Println("window")
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		os.Exit(1)
	}

	s.latencies = nil
	storms := 0
	var elapsed, used time.Duration
	for elapsed.Seconds() < *seconds {
		latencies := make([]time.Duration, s.count)
		before, usedBefore := time.Now(), processTime()
		s.openAll(latencies)
		used += processTime() - usedBefore
		elapsed += time.Since(before)
		storms++
		for _, latency := range latencies {
			if latency > 0 {
				s.latencies = append(s.latencies, latency)
			}
		}
		s.resetAll()
	}

	sort.Slice(s.latencies, func(i, j int) bool { return s.latencies[i] < s.latencies[j] })
	result, err := json.Marshal(map[string]interface{}{
		"storms": storms, "connects": len(s.latencies), "failed": s.failed,
		"seconds": elapsed.Seconds(), "cpu_seconds": used.Seconds(),
		"p50_us": s.percentile(0.50), "p99_us": s.percentile(0.99), "p999_us": s.percentile(0.999),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(result))
	io.Copy(io.Discard, input)
	if s.failed > 0 {
		os.Exit(1)
	}
}

func (s *storm) openAll(latencies []time.Duration) {
	var begun int64
	var done sync.WaitGroup
	for i := 0; i < s.inFlight; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			for {
				index := int(atomic.AddInt64(&begun, 1)) - 1
				if index >= s.count {
					return
				}
				since := time.Now()
				connection, err := net.DialTimeout("tcp", s.address, 15*time.Second)
				if err != nil {
					if atomic.AddInt64(&s.failed, 1) == 1 {
						log.Print(err)
					}
					continue
				}
				s.connections[index] = connection
				latencies[index] = time.Since(since)
			}
		}()
	}
	done.Wait()
}

func (s *storm) resetAll() {
	for i, connection := range s.connections {
		if connection == nil {
			continue
		}
		connection.(*net.TCPConn).SetLinger(0)
		connection.Close()
		s.connections[i] = nil
	}
	s.waitUntilAllClosed()
}

// The sink answers one byte when it has closed all connections but the one that asks.
func (s *storm) waitUntilAllClosed() {
	connection, err := net.DialTimeout("tcp", s.address, 15*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	connection.(*net.TCPConn).SetLinger(0)
	connection.SetDeadline(time.Now().Add(15 * time.Second))
	if _, err := connection.Write([]byte{0}); err != nil {
		log.Fatal(err)
	}
	if _, err := io.ReadFull(connection, make([]byte, 1)); err != nil {
		log.Fatal(err)
	}
}

func (s *storm) percentile(fraction float64) float64 {
	if len(s.latencies) == 0 {
		return 0
	}
	return float64(s.latencies[int(float64(len(s.latencies)-1)*fraction)].Nanoseconds()) / 1000
}

func processTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
