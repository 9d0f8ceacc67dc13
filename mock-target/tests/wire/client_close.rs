//! Clients that close their end, or reset the connection: together with a request or after it, while it is read, while
//! its response is delayed, while it is sent, and between requests.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use mock_target::{Handle, Outcome, Scenario, Server, TlsOptions};
use rustls::{ClientConnection, StreamOwned};
use socket2::SockRef;

use crate::client::{Client, REQUEST, faulty, scenario, settled, start, stats, wait_for};
use crate::tls;

/// How a client signals that it sends nothing more.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// The end of its TCP stream (FIN).
    Fin,
    /// The TLS alert, then FIN, as the standard requires.
    NotifyAndFin,
    /// The TLS alert alone.
    Notify,
}

/// A client's connection, with or without TLS.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    fn connect(target: &Handle) -> Wire {
        match target.certificate_pem() {
            None => Wire::Plain(Client::connect(target.address()).0),
            Some(_) => {
                let mut stream = tls::connect(target, &tls::trusting(target));
                stream.conn.complete_io(&mut stream.sock).expect("a handshake");
                Wire::Tls(Box::new(stream))
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => &stream.sock,
        }
    }

    fn send(&mut self, bytes: &str) {
        match self {
            Wire::Plain(stream) => stream.write_all(bytes.as_bytes()),
            Wire::Tls(stream) => stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush()),
        }
        .expect("the target reads");
    }

    fn end(&mut self, end: End) {
        if let (Wire::Tls(stream), End::NotifyAndFin | End::Notify) = (&mut *self, end) {
            stream.conn.send_close_notify();
            stream.flush().expect("the target reads");
        }
        if end != End::Notify {
            self.socket().shutdown(Shutdown::Write).expect("it is open");
        }
    }

    /// The status of every response until the target closes its end, in order.
    fn statuses(mut self) -> Vec<String> {
        let mut bytes = Vec::new();
        match &mut self {
            Wire::Plain(stream) => stream.read_to_end(&mut bytes),
            Wire::Tls(stream) => stream.read_to_end(&mut bytes),
        }
        .expect("closed in order");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split("HTTP/1.1 ").skip(1).map(|response| response[..3].to_owned()).collect()
    }

    /// Resets the connection.
    fn reset(self) {
        SockRef::from(self.socket()).set_linger(Some(Duration::ZERO)).expect("an option");
    }
}

/// Targets with and without TLS, and how their clients may end the stream.
fn targets(latency: &str) -> Vec<(Handle, &'static [End])> {
    let plain = start(latency);
    let through_tls = tls::start(scenario(latency), TlsOptions::default());
    vec![(plain, &[End::Fin]), (through_tls, &[End::Fin, End::NotifyAndFin, End::Notify])]
}

/// Waits until a FIN that was sent has arrived on its own, not with what is sent before or after it. Only what
/// is tested depends on this, not the result.
fn pause() {
    thread::sleep(Duration::from_millis(3));
}

#[test]
fn a_half_closed_client_gets_every_response() {
    let body = "POST /u/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    let chunked =
        "GET /u/1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nb: c\r\n\r\n";
    let closing = "GET /u/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let many = REQUEST.repeat(40);
    let closed = [closing, REQUEST].concat();
    let cut = format!("{REQUEST}GET /u/2 HT");
    let cut_body = format!("{REQUEST}PUT /u/2 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhe");
    for latency in ["fixed:0ms", "uniform:0ms,8ms", "fixed:20ms"] {
        for (target, ends) in targets(latency) {
            for &end in ends {
                for (pieces, statuses) in [
                    (&[REQUEST][..], &["200"][..]),
                    (&["GET /u/1 HT", "TP/1.1\r\nhost: a\r\n\r", "\n"], &["200"]),
                    (&[REQUEST, REQUEST], &["200", "200"]),
                    (&[&many], &["200"; 40]),
                    (&["GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n"], &["404"]),
                    (&["nonsense\r\n\r\n", REQUEST], &["400"]),
                    (&[body, REQUEST], &["405", "200"]),
                    (&[chunked], &["200"]),
                    (&[&closed], &["200"]),
                    (&[closing], &["200"]),
                    (&["GET /u/1 HTTP/1.0\r\n\r\n"], &["200"]),
                    (&[&cut], &["200"]),
                    (&[&cut_body], &["200"]),
                    (&["GET /u/1 HTTP/1.1\r\n"], &[]),
                    (&[], &[]),
                ] {
                    for separately in [false, true] {
                        let mut wire = Wire::connect(&target);
                        for piece in pieces {
                            wire.send(piece);
                            if separately {
                                pause();
                            }
                        }
                        wire.end(end);
                        assert_eq!(wire.statuses(), statuses, "{latency} {end:?} {separately} {pieces:?}");
                    }
                }
            }
            let stats = settled(&target);
            assert_eq!((stats.received, stats.aborted), (stats.served, 0), "{latency}");
        }
    }
}

#[test]
fn a_client_half_closed_within_a_response_gets_all_of_it() {
    let large = Scenario { body_bytes: 8 << 20, ..scenario("fixed:0ms") };
    let paced = Scenario { pace: Some("100/1ms".parse().expect("a pace")), ..scenario("fixed:1ms") };
    for scenario in [large, paced] {
        let body_bytes = scenario.body_bytes as usize;
        let target = Server::start(scenario).expect("the target starts");
        let mut client = Client::sending(target.address(), REQUEST);
        let head = client.head();
        client.0.shutdown(Shutdown::Write).expect("it is open");
        assert!(head.starts_with("HTTP/1.1 200"));
        assert_eq!(client.rest().len(), body_bytes);
        assert_eq!(settled(&target).served, 1);
    }
}

#[test]
fn a_reset_during_the_delay_aborts_at_once() {
    for pieces in [&[REQUEST][..], &[REQUEST, REQUEST], &["GET /u/1 HTTP/1.1\r\n", "host: a\r\n\r\n"]] {
        for (target, ends) in targets("fixed:100s") {
            for half_closed in [false, true] {
                for together in [false, true] {
                    target.reset().expect("a reset");
                    let mut wire = Wire::connect(&target);
                    pieces.iter().for_each(|piece| wire.send(piece));
                    if half_closed {
                        wire.end(ends[0]);
                    }
                    if !together {
                        wait_for(&target, |stats| stats.in_flight == 1);
                    }
                    wire.reset();
                    // The reset may discard what arrived with it.
                    let connections =
                        wait_for(&target, |stats| stats.connections == 1 && stats.in_flight == 0);
                    let aborted = u64::from(!together);
                    assert!((aborted..=1).contains(&connections.aborted), "{connections:?}");
                    assert_eq!(connections.served, 0);
                }
            }
        }
    }
}

#[test]
fn a_reset_sent_with_requests_leaves_none_served() {
    let target = start("fixed:30ms");
    for ahead in [1, 2, 40] {
        for _ in 0..20 {
            let mut wire = Wire::connect(&target);
            wire.send(&REQUEST.repeat(ahead));
            wire.reset();
        }
    }
    let stats = wait_for(&target, |stats| stats.connections == 60 && stats.in_flight == 0);
    assert_eq!((stats.served, stats.received), (0, stats.aborted));
}

#[test]
fn a_half_closed_client_that_leaves_is_an_abort() {
    let target = start("fixed:100s");
    let client = Client::sending(target.address(), REQUEST);
    client.0.shutdown(Shutdown::Write).expect("it is open");
    wait_for(&target, |stats| stats.in_flight == 1);
    pause();
    assert_eq!(stats(&target).aborted, 0, "it still reads");
    drop(client);
    settled(&target);
    assert_eq!(target.ledger().expect("a ledger").entries[0].outcome, Outcome::Aborted);
}

#[test]
fn a_stalled_response_ends_at_the_half_close() {
    for fault in ["silence=100%", "stall-mid-body=100%"] {
        let target = Server::start(faulty(fault, "fixed:1ms")).expect("the target starts");
        for separately in [false, true] {
            let mut client = Client::sending(target.address(), REQUEST);
            if separately {
                wait_for(&target, |stats| stats.in_flight == 1);
                pause();
            }
            client.0.shutdown(Shutdown::Write).expect("it is open");
            client.rest();
        }
        let stats = settled(&target);
        assert_eq!((stats.faulted, stats.served, stats.aborted), (2, 0, 0));
    }
}

#[test]
fn an_idle_half_closed_connection_is_closed() {
    for (target, ends) in targets("fixed:0ms") {
        for &end in ends {
            let mut wire = Wire::connect(&target);
            wire.send("HEAD /u/1 HTTP/1.1\r\nhost: a\r\n\r\n");
            pause();
            wire.end(end);
            assert_eq!(wire.statuses(), ["200"]);
        }
    }
}
