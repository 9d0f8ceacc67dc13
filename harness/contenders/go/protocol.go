package main

// What the program hears from the harness and says to it: one JSON value a line.

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

type plan struct {
	URLPrefix        string   `json:"url_prefix"`
	IDs              []uint64 `json:"ids"`
	InFlight         int      `json:"in_flight"`
	ConnectTimeoutMs int64    `json:"connect_timeout_ms"`
	RequestTimeoutMs int64    `json:"request_timeout_ms"`
}

// A sample is one request, with either a response or a failure.
type sample struct {
	ID      uint64 `json:"id"`
	StartNs int64  `json:"start_ns"`
	EndNs   int64  `json:"end_ns"`
	*response
	*failure
	Resent bool `json:"resent,omitempty"`
}

type response struct {
	Status int    `json:"status"`
	Bytes  int    `json:"bytes"`
	CRC32  uint32 `json:"crc32"`
}

type failure struct {
	Error string `json:"error"`
}

func newResponse(status int, body []byte) *response {
	return &response{status, len(body), crc32.ChecksumIEEE(body)}
}

// kind is what an error of net/http is called. Those of its parser have no types, only words.
func kind(err error) string {
	var timeout net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &operation) && operation.Op == "dial":
		return "connect"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	}
	for _, word := range []string{"malformed", "chunk", "headers exceeded"} {
		if strings.Contains(err.Error(), word) {
			return "malformed"
		}
	}
	return "other"
}

func readPlan(input *bufio.Reader) plan {
	var plan plan
	line, err := input.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &plan)
	}
	if err != nil {
		log.Fatal("cannot understand the plan: ", err)
	}
	return plan
}

// ready says that everything is set up, waits for `go`, and gives the time of it.
func ready(input *bufio.Reader, runtime string) time.Time {
	fmt.Printf("{\"ready\":true,\"runtime\":%q,\"client\":\"net/http\"}\n", runtime)
	if line, _ := input.ReadString('\n'); strings.TrimSpace(line) != "go" {
		log.Fatalf("expected `go` on stdin, got %q", line)
	}
	return time.Now()
}

// done says that the last response is in, waits until the meters were read, and tells the samples.
func done(input *bufio.Reader, samples []sample) {
	fmt.Println("done")
	io.Copy(io.Discard, input)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for _, sample := range samples {
		if err := json.NewEncoder(output).Encode(sample); err != nil {
			log.Fatal(err)
		}
	}
}
