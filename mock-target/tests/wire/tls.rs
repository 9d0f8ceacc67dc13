//! The same responses through TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use mock_target::{Handle, Scenario, ServerOptions, TimeLimits, TlsOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Client, REQUEST, read_head, scenario, start_with, stats};

pub(crate) fn start(scenario: Scenario, tls: TlsOptions) -> Handle {
    start_with(scenario, ServerOptions { tls: Some(tls), ..ServerOptions::default() })
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
        let target = start(scenario, TlsOptions::default());
        let config = trusting(&target);
        for id in 0..3 {
            let response = fetch(&target, &config, id);
            assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
            let body = &response[response.len() - body_bytes as usize..];
            assert_eq!(crc32fast::hash(body), bodies.crc32(id));
        }
        let stats = stats(&target);
        assert_eq!((stats.served, stats.aborted, stats.handshakes), (3, 0, 3));
    }
}

#[test]
fn sessions_are_resumed_unless_switched_off() {
    for (resumption, resumptions) in [(true, 3), (false, 0)] {
        let target = start(scenario("fixed:0ms"), TlsOptions { resumption, ..TlsOptions::default() });
        let config = trusting(&target);
        (0..4).for_each(|id| drop(fetch(&target, &config, id)));
        let stats = stats(&target);
        assert_eq!((stats.handshakes, stats.resumptions), (4, resumptions));
    }
}

#[test]
fn one_connection_carries_many_requests() {
    let target = start(scenario("uniform:0ms,2ms"), TlsOptions::default());
    let mut stream = connect(&target, &trusting(&target));
    for id in 0..50 {
        write!(stream, "HEAD /u/{id} HTTP/1.1\r\nhost: t\r\n\r\n").expect("written");
        read_head(&mut stream);
    }
    let stats = stats(&target);
    assert_eq!((stats.served, stats.connections, stats.handshakes), (50, 1, 1));
}

#[test]
fn a_client_without_tls_is_closed() {
    let target = start(scenario("fixed:0ms"), TlsOptions::default());
    let mut received = Vec::new();
    // An alert, then a close or a reset.
    let _ = Client::sending(target.address(), REQUEST).0.read_to_end(&mut received);
    assert!(!received.starts_with(b"HTTP"));
    assert_eq!(stats(&target).received, 0);
}

#[test]
fn the_certificate_is_written_to_its_file() {
    let path = std::env::temp_dir().join(format!("mock-target-test-{}.pem", std::process::id()));
    let tls = TlsOptions { certificate_file: Some(path.clone()), ..TlsOptions::default() };
    let target = start(scenario("fixed:0ms"), tls);
    let written = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(target.certificate_pem(), Some(written.as_str()));
}

#[test]
fn an_incomplete_handshake_is_ended_at_the_time_limit() {
    let limits = TimeLimits { request_ns: 50_000_000, ..TimeLimits::default() };
    let options = ServerOptions { limits, tls: Some(TlsOptions::default()), ..ServerOptions::default() };
    let target = start_with(scenario("fixed:300ms"), options);
    // A complete client hello, and prefixes of it.
    let mut session = connect(&target, &trusting(&target)).conn;
    let mut hello = Vec::new();
    session.write_tls(&mut hello).expect("memory can be written to");
    for sent in [&hello[..], &hello[..hello.len() / 2], &hello[..1], &[]] {
        // The bytes that the target sent, then the end.
        Client::sending(target.address(), sent).rest();
    }
    assert_eq!(stats(&target).handshakes, 0);
    // The limit does not apply once the handshake is complete.
    assert!(fetch(&target, &trusting(&target), 1).starts_with(b"HTTP/1.1 200"));
}
