module inflight/contenders/go

go 1.22
