//! The same responses through TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use mock_target::{Handle, Scenario, Server, ServerOptions, TimeLimits, TlsOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Client, scenario};

pub(crate) fn start(scenario: Scenario, resumption: bool) -> Handle {
    let tls = Some(TlsOptions { resumption, ..TlsOptions::default() });
    Server::start_with(scenario, ServerOptions { tls, ..ServerOptions::default() })
        .expect("the target starts")
}

/// A client that trusts the target's certificate and no other.
pub(crate) fn trusting(target: &Handle) -> Arc<ClientConfig> {
    let pem = target.certificate_pem().expect("TLS is served");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.expect("versions").with_root_certificates(roots).with_no_client_auth())
}

/// A new connection. Its handshake begins with the first byte written.
pub(crate) fn connect(
    target: &Handle,
    config: &Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let session = ClientConnection::new(Arc::clone(config), name).expect("a session");
    StreamOwned::new(session, Client::connect(target.address()).0)
}

/// Requests a URL on a new connection. Returns everything until the target closes it in order.
fn fetch(target: &Handle, config: &Arc<ClientConfig>, id: u64) -> Vec<u8> {
    let mut stream = connect(target, config);
    write!(stream, "GET /u/{id} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").expect("written");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).expect("closed in order");
    response
}

#[test]
fn small_and_large_bodies_are_served() {
    for body_bytes in [0, 1_000, 8 << 20] {
        let scenario = Scenario { body_bytes, ..scenario("fixed:1ms") };
        let bodies = scenario.bodies();
        let target = start(scenario, true);
        let config = trusting(&target);
        for id in 0..3 {
            let response = fetch(&target, &config, id);
            assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
            let body = &response[response.len() - body_bytes as usize..];
            assert_eq!(crc32fast::hash(body), bodies.crc32(id));
        }
        let stats = target.stats().expect("stats");
        assert_eq!((stats.served, stats.aborted, stats.handshakes), (3, 0, 3));
    }
}

#[test]
fn sessions_are_resumed_unless_switched_off() {
    for resumption in [true, false] {
        let target = start(scenario("fixed:0ms"), resumption);
        let config = trusting(&target);
        for id in 0..4 {
            fetch(&target, &config, id);
        }
        let stats = target.stats().expect("stats");
        assert_eq!((stats.handshakes, stats.resumptions), (4, if resumption { 3 } else { 0 }));
    }
}

#[test]
fn one_connection_carries_many_requests() {
    let target = start(scenario("uniform:0ms,2ms"), true);
    let mut stream = connect(&target, &trusting(&target));
    for id in 0..50 {
        write!(stream, "HEAD /u/{id} HTTP/1.1\r\nhost: t\r\n\r\n").expect("written");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
    }
    let stats = target.stats().expect("stats");
    assert_eq!((stats.served, stats.connections, stats.handshakes), (50, 1, 1));
}

#[test]
fn a_client_without_tls_is_closed() {
    let target = start(scenario("fixed:0ms"), true);
    let mut client = Client::connect(target.address());
    client.send("GET /u/1 HTTP/1.1\r\nhost: t\r\n\r\n");
    let mut received = Vec::new();
    // An alert, then a close or a reset.
    let _ = client.0.read_to_end(&mut received);
    assert!(!received.starts_with(b"HTTP"));
    assert_eq!(target.stats().expect("stats").received, 0);
}

#[test]
fn the_certificate_is_written_to_its_file() {
    let path = std::env::temp_dir().join(format!("mock-target-test-{}.pem", std::process::id()));
    let tls = Some(TlsOptions { certificate_file: Some(path.clone()), ..TlsOptions::default() });
    let target = Server::start_with(scenario("fixed:0ms"), ServerOptions { tls, ..ServerOptions::default() });
    let written = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(target.expect("the target starts").certificate_pem(), Some(written.as_str()));
}

#[test]
fn an_incomplete_handshake_is_ended_at_the_time_limit() {
    let limits = TimeLimits { request_ns: 50_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, tls: Some(TlsOptions::default()), ..ServerOptions::default() };
    let target = Server::start_with(scenario("fixed:300ms"), options).expect("the target starts");
    // A complete client hello, and prefixes of it.
    let mut session = connect(&target, &trusting(&target)).conn;
    let mut hello = Vec::new();
    session.write_tls(&mut hello).expect("memory can be written to");
    for sent in [&hello[..], &hello[..hello.len() / 2], &hello[..1], &[]] {
        let mut client = Client::connect(target.address());
        client.send(sent);
        // The bytes that the target sent, then the end.
        client.rest();
    }
    assert_eq!(target.stats().expect("stats").handshakes, 0);
    // The limit does not apply once the handshake is complete.
    assert!(fetch(&target, &trusting(&target), 1).starts_with(b"HTTP/1.1 200"));
}
