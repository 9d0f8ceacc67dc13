//! Every client against servers that are not part of this project: how a client handles HTTP must not depend on
//! the interpretation in the mock target.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use inflight::models::COMMON;
use inflight::worker::protocol::{ErrorKind, Outcome};
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::common::skip_without;
use crate::workers::{Job, each_contender, unexpected};

const BIG: usize = 1 << 20;

fn job(url_prefix: String, ids: u64) -> Job {
    Job::new(url_prefix, 0..ids, 3)
}

#[test]
fn wiremock_server_is_understood() {
    let big = vec![b'x'; BIG];
    let with = |status: u16, body: &[u8]| ResponseTemplate::new(status).set_body_bytes(body);
    let cases: [(u16, &[u8], ResponseTemplate); 11] = [
        (200, b"hello", with(200, b"hello")),
        (200, b"", ResponseTemplate::new(200)),
        (200, &big, with(200, &big)),
        (204, b"", ResponseTemplate::new(204)),
        (304, b"", ResponseTemplate::new(304)),
        (404, b"no such thing", with(404, b"no such thing")),
        (500, b"sorry", with(500, b"sorry")),
        (200, b"late", with(200, b"late").set_delay(Duration::from_millis(50))),
        (302, b"there", with(302, b"there").insert_header("location", "/u/0")),
        (200, b"not gzip", with(200, b"not gzip").insert_header("content-encoding", "gzip")),
        (200, b"bye", with(200, b"bye").insert_header("connection", "close")),
    ];

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(MockServer::start());
    for (id, (.., template)) in cases.iter().enumerate() {
        let mock = Mock::given(method("GET")).and(path(format!("/u/{id}"))).respond_with(template.clone());
        runtime.block_on(mock.mount(&server));
    }
    each_contender(&job(format!("{}/u/", server.uri()), cases.len() as u64), |_, sample| {
        let (status, body, _) = &cases[sample.id as usize];
        unexpected(Outcome::response(*status, body), sample)
    });
}

/// A Python process that serves HTTP. Dropping it kills it.
struct Python {
    process: Child,
    port: u16,
}

impl Python {
    /// `None`, reported as skipped, where there is no python3. The first line of its output must contain a
    /// port after the word `port`.
    fn start(args: &[&str]) -> Option<Python> {
        let started =
            Command::new("python3").arg("-u").args(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut process) = started else {
            skip_without("there is no python3");
            return None;
        };
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let word = line.split_whitespace().skip_while(|&word| word != "port").nth(1);
        let port = word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no port in {line:?}"));
        Some(Python { process, port })
    }

    fn url_prefix(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server speaks HTTP/1.0 and closes after every response.
#[test]
fn pythons_file_server_is_understood() {
    let folder = TempDir::new().unwrap();
    let big = vec![b'y'; BIG];
    let files: [&[u8]; 3] = [b"hello", b"", &big];
    for (id, content) in files.iter().enumerate() {
        fs::write(folder.path().join(id.to_string()), content).unwrap();
    }
    let args =
        ["-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder.path().to_str().unwrap()];
    let Some(server) = Python::start(&args) else { return };
    each_contender(&job(server.url_prefix(), 4), |_, sample| {
        match (files.get(sample.id as usize), sample.outcome) {
            (None, Outcome::Response { status: 404, .. }) => None,
            (None, other) => Some(format!("expected 404, got {other:?}")),
            (Some(content), _) => unexpected(Outcome::response(200, content), sample),
        }
    });
}

/// Behaviour that Python's file server lacks.
const SCRIPT: &str = r#"
import http.server, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def log_message(self, *_): pass
    def begin(self, status, *fields):
        self.send_response(status)
        for name, value in fields: self.send_header(name, value)
        self.end_headers()
    def do_GET(self):
        id = int(self.path[1:])
        if id % 5 == 0:    # chunks, slowly
            self.begin(200, ("transfer-encoding", "chunked"))
            for piece in [b"slow ", b"and ", b"chunked"]:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                time.sleep(0.01)
            self.wfile.write(b"0\r\n\r\n")
        elif id % 5 == 1:  # a body that ends with its connection
            self.begin(200, ("connection", "close"))
            self.wfile.write(b"until close")
        elif id % 5 == 2:  # a length, byte by byte
            self.begin(200, ("content-length", "10"))
            for byte in b"0123456789":
                self.wfile.write(bytes([byte]))
                time.sleep(0.002)
        elif id % 5 == 3:  # a connection that is closed silently once it is idle
            self.begin(200, ("content-length", "6"))
            self.wfile.write(b"silent")
            self.close_connection = True
        else:              # an interim response first
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n")
            self.begin(500, ("content-length", "5"))
            self.wfile.write(b"sorry")

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("port", server.server_address[1])
server.serve_forever()
"#;

/// After a silent close the next request on the connection may fail, and does so in clients that do not send it
/// again. The common client does.
#[test]
fn chunked_slow_and_closing_server_is_understood() {
    const URLS: u64 = 40;
    let Some(server) = Python::start(&["-c", SCRIPT]) else { return };
    let expected = |id| match id % 5 {
        0 => Outcome::response(200, b"slow and chunked"),
        1 => Outcome::response(200, b"until close"),
        2 => Outcome::response(200, b"0123456789"),
        3 => Outcome::response(200, b"silent"),
        _ => Outcome::response(500, b"sorry"),
    };
    let closed = [ErrorKind::Reset, ErrorKind::Truncated].map(|error| Outcome::Failure { error });
    each_contender(&job(server.url_prefix(), URLS), |client, sample| {
        let excused = client.name != COMMON && closed.contains(&sample.outcome);
        unexpected(expected(sample.id), sample).filter(|_| !excused)
    });
}
