package main

// The protocol between the harness and this program: one JSON value a line.

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

// A sample is one request. All of it is in the struct, so that requests do not add to the memory of the samples.
type sample struct {
	id             uint64
	startNs, endNs int64
	outcome        outcome
	resent         bool
}

// An outcome is a response, or a failure if the field failure is set.
type outcome struct {
	status, bytes int
	crc32         uint32
	failure       string
}

func responseOutcome(status int, body []byte) outcome {
	return outcome{status: status, bytes: len(body), crc32: crc32.ChecksumIEEE(body)}
}

// newSamples allocates samples. All are written to, so that their memory is resident.
func newSamples(count int) []sample {
	samples := make([]sample, count)
	for i := range samples {
		samples[i].startNs = -1
	}
	return samples
}

// MarshalJSON encodes a sample as the harness reads it.
func (s sample) MarshalJSON() ([]byte, error) {
	type timed struct {
		ID      uint64 `json:"id"`
		StartNs int64  `json:"start_ns"`
		EndNs   int64  `json:"end_ns"`
		Resent  bool   `json:"resent,omitempty"`
	}
	times := timed{s.id, s.startNs, s.endNs, s.resent}
	if s.outcome.failure != "" {
		return json.Marshal(struct {
			timed
			Error string `json:"error"`
		}{times, s.outcome.failure})
	}
	return json.Marshal(struct {
		timed
		Status int    `json:"status"`
		Bytes  int    `json:"bytes"`
		CRC32  uint32 `json:"crc32"`
	}{times, s.outcome.status, s.outcome.bytes, s.outcome.crc32})
}

// kind is the error kind of an error of net/http. Errors of its parser have no types, only messages.
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
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "unexpected EOF"):
		return "truncated"
	}
	for _, word := range []string{"malformed", "chunk", "headers exceeded", "Content-Length", "transfer encoding"} {
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
		log.Fatal("cannot parse the plan: ", err)
	}
	return plan
}

// ready reports that setup is complete, waits for `go`, and returns its time.
func ready(input *bufio.Reader, runtime string) time.Time {
	fmt.Printf("{\"ready\":true,\"runtime\":%q,\"client\":\"net/http\"}\n", runtime)
	if line, _ := input.ReadString('\n'); strings.TrimSpace(line) != "go" {
		log.Fatalf("expected `go` on stdin, got %q", line)
	}
	return time.Now()
}

// done reports that all responses are received, waits until the meters were read, and writes the samples.
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
