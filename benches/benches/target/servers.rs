//! The servers to compare, each in a process of its own.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use mock_target::{Lateness, Scenario, Server, ServerOptions, Stats};
use socket2::{Domain, Socket, Type};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::meter;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerKind {
    /// The usual solution: hyper and tokio's `sleep`.
    Hyper,
    MockTarget,
    /// As `inflight run` starts it where it requests real-time priority.
    MockTargetRealtime,
    MockTargetSpinning,
    Wiremock,
    /// Serves a static file, so it is measured without delay only.
    Nginx,
}

impl ServerKind {
    /// Every server. Ratios are relative to the first.
    pub(crate) const ALL: &[ServerKind] = &[
        ServerKind::Hyper,
        ServerKind::MockTarget,
        ServerKind::MockTargetRealtime,
        ServerKind::MockTargetSpinning,
        ServerKind::Wiremock,
        ServerKind::Nginx,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            ServerKind::Hyper => "hyper + tokio sleep",
            ServerKind::MockTarget => "mock-target",
            ServerKind::MockTargetRealtime => "mock-target --realtime",
            ServerKind::MockTargetSpinning => "mock-target --realtime --spin",
            ServerKind::Wiremock => "wiremock",
            ServerKind::Nginx => "nginx",
        }
    }

    pub(crate) fn delays(self) -> bool {
        self != ServerKind::Nginx
    }

    pub(crate) fn is_realtime(self) -> bool {
        matches!(self, ServerKind::MockTargetRealtime | ServerKind::MockTargetSpinning)
    }

    pub(crate) fn is_installed(self) -> bool {
        self != ServerKind::Nginx || is_installed("nginx")
    }

    /// The server that an argument of this program selects.
    pub(crate) fn of_argument(argument: &str) -> Option<ServerKind> {
        let name = argument.strip_prefix("--serve=")?;
        ServerKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// Whether a program can be started by its name.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The process of a server, killed when this is dropped.
pub(crate) struct ServerProcess {
    process: Child,
    pub(crate) address: SocketAddr,
    admin: Option<SocketAddr>,
}

impl ServerProcess {
    /// Starts this program again, as that server with that scenario.
    pub(crate) fn start(kind: ServerKind, scenario: &str) -> io::Result<ServerProcess> {
        let mut process = Command::new(env::current_exe()?)
            .arg(format!("--serve={}", kind.name()))
            .env("SCENARIO", scenario)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        BufReader::new(output).read_line(&mut line)?;
        let mut addresses = line.split_whitespace().map_while(|word| word.parse().ok());
        let unexpected = || io::Error::other(format!("unexpected output of {kind:?}: {line:?}"));
        let address = addresses.next().ok_or_else(unexpected)?;
        let running = ServerProcess { process, address, admin: addresses.next() };
        // nginx's address is printed before it listens.
        while std::net::TcpStream::connect(running.address).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }

    /// The lateness by the server's own ledger, if it has one.
    pub(crate) fn lateness_ns(&self) -> io::Result<Option<Lateness>> {
        let Some(admin) = self.admin else { return Ok(None) };
        let mut stream = std::net::TcpStream::connect(admin)?;
        stream.write_all(b"GET /stats HTTP/1.1\r\nhost: bench\r\n\r\n")?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        let json = response.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(Some(serde_json::from_str::<Stats>(json)?.lateness_ns))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Fails only for a process that has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs that server until the standard input ends.
pub(crate) fn serve(kind: ServerKind) -> io::Result<()> {
    meter::pin(1)?;
    let article = Scenario::preset("article").map_err(io::Error::other)?;
    let latency = match env::var("SCENARIO").as_deref() {
        Ok("instant") => "fixed:0ms",
        Ok("waiting") => "fixed:20s",
        _ => "lognormal:250ms,0.318",
    };
    let scenario = Scenario { latency: latency.parse().map_err(io::Error::other)?, ..article };
    match kind {
        ServerKind::MockTarget | ServerKind::MockTargetRealtime | ServerKind::MockTargetSpinning => {
            let options = ServerOptions {
                realtime: kind.is_realtime(),
                spin: kind == ServerKind::MockTargetSpinning,
                ..ServerOptions::default()
            };
            let handle = Server::start_with(scenario, options)?;
            if kind.is_realtime() && !handle.realtime() {
                eprintln!("real-time priority was not granted");
            }
            println!("{} {}", handle.address(), handle.admin_address());
            wait_for_end_of_input()
        }
        ServerKind::Hyper => tokio::runtime::Runtime::new()?.block_on(serve_hyper(scenario)),
        ServerKind::Wiremock => tokio::runtime::Runtime::new()?.block_on(serve_wiremock(scenario)),
        ServerKind::Nginx => serve_nginx(),
    }
}

fn wait_for_end_of_input() -> io::Result<()> {
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

fn id_of(path: &str) -> u64 {
    path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0)
}

fn body_of(scenario: &Scenario) -> Vec<u8> {
    let bodies = scenario.bodies();
    let (tag, rest) = bodies.parts(0);
    [&tag[..], rest].concat()
}

/// A listener with a backlog large enough for all connections at once. With the usual one of 128, connections wait for a
/// second whenever it is full, which would dominate the measurement.
fn listen() -> io::Result<TcpListener> {
    const BACKLOG: i32 = 4_096; // as configured for nginx, and the default maximum of Linux
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn serve_hyper(scenario: Scenario) -> io::Result<()> {
    let listener = listen()?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    println!("{}", listener.local_addr()?);
    let body = Bytes::from(body_of(&scenario));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (scenario, body) = (scenario.clone(), body.clone());
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let delay = Duration::from_nanos(scenario.delay_ns(id_of(request.uri().path())));
                let body = body.clone();
                async move {
                    if !delay.is_zero() {
                        tokio::time::sleep(delay).await;
                    }
                    Ok::<_, Infallible>(Response::new(Full::new(body)))
                }
            });
            // A client that goes away is no error of the server's.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn serve_wiremock(scenario: Scenario) -> io::Result<()> {
    let server = MockServer::builder().listener(listen()?).disable_request_recording().start().await;
    let template = ResponseTemplate::new(200).set_body_bytes(body_of(&scenario));
    let respond = move |request: &wiremock::Request| {
        let delay = Duration::from_nanos(scenario.delay_ns(id_of(request.url.path())));
        if delay.is_zero() { template.clone() } else { template.clone().set_delay(delay) }
    };
    Mock::given(method("GET")).respond_with(respond).mount(&server).await;
    println!("{}", server.address());
    tokio::task::spawn_blocking(wait_for_end_of_input).await?
}

/// One worker that serves the body from a file whose handle it keeps.
fn serve_nginx() -> io::Result<()> {
    let folder = env::temp_dir().join(format!("inflight-bench-nginx-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("body"), body_of(&Scenario::preset("article").map_err(io::Error::other)?))?;
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let path = folder.display();
    let configuration = format!(
        "daemon off; master_process off; pid {path}/pid; error_log {path}/error.log;\n\
         events {{ worker_connections 16384; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; tcp_nodelay on; sendfile on;\n\
         open_file_cache max=16; client_body_temp_path {path}/c; proxy_temp_path {path}/p;\n\
         fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
         server {{ listen {address} backlog=4096; root {path}; location / {{ try_files /body =404; }} }} }}\n"
    );
    fs::write(folder.join("nginx.conf"), configuration)?;
    println!("{address}");
    Err(Command::new("nginx").arg("-c").arg(folder.join("nginx.conf")).exec())
}
