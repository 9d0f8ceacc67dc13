//! A readiness loop with the sans-IO exchange of the common client.

use std::io::ErrorKind::{NotConnected, WouldBlock};
use std::io::{self, Read, Write};

use anyhow::Result;
use inflight_worker::clients::common::endpoint::Endpoint;
use inflight_worker::clients::common::exchange::{Exchange, Method, Progress};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::Work;
use super::clients::expect_200;

pub(super) fn run(work: &Work) -> Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let site = Endpoint::of(&work.plan())?;
    let mut input = vec![0; 16 << 10];
    let (mut next, mut completed) = (0, 0);
    let mut lanes = Vec::new();
    for number in 0..work.in_flight {
        let mut stream = TcpStream::connect(site.address)?;
        stream.set_nodelay(true)?;
        poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        let mut exchange = Exchange::default();
        exchange.begin(Method::Get, &site, next);
        next += 1;
        lanes.push((stream, exchange));
    }
    while completed < work.urls {
        poll.poll(&mut events, None)?;
        for event in &events {
            let (stream, exchange) = &mut lanes[event.token().0];
            while send(stream, exchange)? && receive(stream, exchange, &mut input)? {
                completed += 1;
                if next == work.urls {
                    break;
                }
                exchange.begin(Method::Get, &site, next);
                next += 1;
            }
        }
    }
    Ok(())
}

/// Writes as much as the socket takes. Returns whether that was everything.
fn send(stream: &mut TcpStream, exchange: &mut Exchange) -> io::Result<bool> {
    while !exchange.to_send().is_empty() {
        match stream.write(exchange.to_send()) {
            Ok(sent) => exchange.sent(sent),
            Err(error) if [WouldBlock, NotConnected].contains(&error.kind()) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Reads what has arrived. Returns whether the response is complete.
fn receive(stream: &mut TcpStream, exchange: &mut Exchange, input: &mut [u8]) -> io::Result<bool> {
    loop {
        match stream.read(input) {
            Ok(length) => match exchange.receive(&input[..length]).expect("HTTP") {
                Progress::Done(reply) => {
                    expect_200(reply.into());
                    return Ok(true);
                }
                Progress::NeedMore => assert_ne!(length, 0, "a complete response"),
            },
            Err(error) if error.kind() == WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}
