//! The servers that are compared, each in a process of its own.

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
pub(crate) enum Kind {
    /// What most would write: hyper, and tokio's `sleep`.
    Hyper,
    Ours,
    /// As `inflight run` starts it where it asks for real-time priority.
    OursRealtime,
    OursSpinning,
    Wiremock,
    /// A static file: it takes part where there is no delay.
    Nginx,
}

impl Kind {
    /// Ratios are to the first.
    pub(crate) const ALL: &[Kind] =
        &[Kind::Hyper, Kind::Ours, Kind::OursRealtime, Kind::OursSpinning, Kind::Wiremock, Kind::Nginx];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Hyper => "hyper + tokio sleep",
            Kind::Ours => "mock-target",
            Kind::OursRealtime => "mock-target --realtime",
            Kind::OursSpinning => "mock-target --realtime --spin",
            Kind::Wiremock => "wiremock",
            Kind::Nginx => "nginx",
        }
    }

    pub(crate) fn delays(self) -> bool {
        self != Kind::Nginx
    }

    pub(crate) fn is_realtime(self) -> bool {
        matches!(self, Kind::OursRealtime | Kind::OursSpinning)
    }

    pub(crate) fn is_installed(self) -> bool {
        self != Kind::Nginx || is_installed("nginx")
    }

    /// The server that an argument of this program asks to be.
    pub(crate) fn of_argument(argument: &str) -> Option<Kind> {
        let name = argument.strip_prefix("--serve=")?;
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// Whether a program can be started by its name.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A server's process, ended when this is dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) address: SocketAddr,
    admin: Option<SocketAddr>,
}

impl Running {
    /// Starts this program once more, to be that server with that scenario.
    pub(crate) fn start(kind: Kind, scenario: &str) -> io::Result<Running> {
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
        let address = addresses.next().ok_or_else(|| io::Error::other(format!("{kind:?} said {line:?}")))?;
        let running = Running { process, address, admin: addresses.next() };
        // nginx says where it will be before it is there.
        while std::net::TcpStream::connect(running.address).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }

    /// The lateness that the server itself knows of, if it keeps a ledger.
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

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only for a process that has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is that server until the standard input ends.
pub(crate) fn serve(kind: Kind) -> io::Result<()> {
    meter::pin(1)?;
    let article = Scenario::preset("article").map_err(io::Error::other)?;
    let latency = match env::var("SCENARIO").as_deref() {
        Ok("instant") => "fixed:0ms",
        Ok("waiting") => "fixed:20s",
        _ => "lognormal:250ms,0.318",
    };
    let scenario = Scenario { latency: latency.parse().map_err(io::Error::other)?, ..article };
    match kind {
        Kind::Ours | Kind::OursRealtime | Kind::OursSpinning => {
            let options = ServerOptions {
                realtime: kind.is_realtime(),
                spin: kind == Kind::OursSpinning,
                ..ServerOptions::default()
            };
            let handle = Server::start_with(scenario, options)?;
            if kind.is_realtime() && !handle.realtime() {
                eprintln!("real-time priority was not granted");
            }
            println!("{} {}", handle.address(), handle.admin_address());
            wait_for_the_end()
        }
        Kind::Hyper => tokio::runtime::Runtime::new()?.block_on(serve_hyper(scenario)),
        Kind::Wiremock => tokio::runtime::Runtime::new()?.block_on(serve_wiremock(scenario)),
        Kind::Nginx => serve_nginx(),
    }
}

fn wait_for_the_end() -> io::Result<()> {
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

/// A listener whose queue takes a crowd that comes at once. In the usual one of 128 connections wait for a
/// second whenever it is full, and what was measured would be that.
fn listen() -> io::Result<TcpListener> {
    const QUEUE: i32 = 4_096; // what nginx is told, and the most that Linux gives unless told otherwise
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(QUEUE)?;
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
    tokio::task::spawn_blocking(wait_for_the_end).await?
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
