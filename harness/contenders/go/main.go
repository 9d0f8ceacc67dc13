// Goroutines limited by a semaphore, over one http.Client. With -default-pool its transport keeps two idle
// connections a host, which is Go's default.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	defaultPool := flag.Bool("default-pool", false, "keep Go's default number of idle connections")
	version := flag.Bool("version", false, "print the versions")
	flag.Parse()
	if *version {
		fmt.Println(runtime.Version(), "net/http")
		return
	}

	input := bufio.NewReader(os.Stdin)
	plan := readPlan(input)
	client := newClient(plan, *defaultPool)
	samples := newSamples(len(plan.IDs))
	start := ready(input, fmt.Sprintf("%s, GOMAXPROCS %d", runtime.Version(), runtime.GOMAXPROCS(0)))

	semaphore := make(chan struct{}, plan.InFlight)
	var all sync.WaitGroup
	for i, id := range plan.IDs {
		semaphore <- struct{}{}
		all.Add(1)
		go func() {
			defer all.Done()
			samples[i] = fetch(client, plan, id, start)
			<-semaphore
		}()
	}
	all.Wait()
	done(input, samples)
}

func newClient(plan plan, defaultPool bool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DisableCompression = true
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.DialContext = (&net.Dialer{Timeout: milliseconds(plan.ConnectTimeoutMs)}).DialContext
	if !defaultPool {
		transport.MaxIdleConns = plan.InFlight
		transport.MaxIdleConnsPerHost = plan.InFlight
	}
	keepRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{
		Transport:     transport,
		CheckRedirect: keepRedirect,
		Timeout:       milliseconds(plan.RequestTimeoutMs),
	}
}

func fetch(client *http.Client, plan plan, id uint64, start time.Time) sample {
	// The transport sends a GET again when its idle connection turned out to be closed. That cannot be
	// disabled, but it can be detected.
	connections := 0
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connections++ }}
	sample := sample{id: id, startNs: time.Since(start).Nanoseconds()}
	sample.outcome = get(httptrace.WithClientTrace(context.Background(), trace), client, plan, id)
	sample.endNs = time.Since(start).Nanoseconds()
	sample.resent = connections > 1
	return sample
}

func get(ctx context.Context, client *http.Client, plan plan, id uint64) outcome {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprint(plan.URLPrefix, id), nil)
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return outcome{failure: kind(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return outcome{failure: kind(err)}
	}
	return responseOutcome(response.StatusCode, body)
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
