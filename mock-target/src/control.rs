//! Commands from other threads to the shards of a server: from its handle, its admin port and its acceptor.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use mio::Waker;
use mio::net::TcpStream;

use crate::ledger::{Ledger, LoopStats};
use crate::request_log::LogSnapshot;

/// A command to one shard.
#[derive(Debug)]
pub(crate) enum Command {
    /// Serve this connection, which the first shard accepted.
    TakeOver(NewConnection),
    Snapshot {
        with_entries: bool,
        reply: Sender<LogSnapshot>,
    },
    /// Report the number of the shard and what its thread used.
    Usage(Sender<(usize, LoopStats)>),
    Reset(Sender<()>),
    Stop,
}

/// A connection that was accepted and is not served yet.
#[derive(Debug)]
pub(crate) struct NewConnection {
    pub(crate) stream: TcpStream,
    pub(crate) source: SocketAddr,
    /// Counts the connections of a server from 0.
    pub(crate) number: u64,
}

/// Sends commands to one shard, from any thread.
#[derive(Clone, Debug)]
pub(crate) struct ShardHandle {
    pub(crate) commands: Sender<Command>,
    pub(crate) waker: Arc<Waker>,
}

impl ShardHandle {
    /// Queues a command and wakes the shard.
    ///
    /// # Errors
    /// When the shard has stopped.
    pub(crate) fn send(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| stopped())?;
        self.waker.wake()
    }
}

/// Queries all shards of a server, from any thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardHandles {
    pub(crate) shards: Vec<ShardHandle>,
    /// Whether all of them run with real-time priority.
    pub(crate) realtime: bool,
}

impl ShardHandles {
    pub(crate) fn loops(&self) -> io::Result<Vec<LoopStats>> {
        let mut loops = self.query(Command::Usage)?;
        loops.sort_unstable_by_key(|(number, _)| *number);
        Ok(loops.into_iter().map(|(_, used)| used).collect())
    }

    pub(crate) fn reset(&self) -> io::Result<()> {
        self.query(Command::Reset).map(drop)
    }

    pub(crate) fn ledger(&self, with_entries: bool) -> io::Result<Ledger> {
        let snapshots = self.query(|reply| Command::Snapshot { with_entries, reply })?;
        let mut ledger = LogSnapshot::merge(snapshots);
        ledger.stats.realtime = self.realtime;
        Ok(ledger)
    }

    /// Sends a command to every shard, and returns the replies in any order.
    fn query<T>(&self, command: impl Fn(Sender<T>) -> Command) -> io::Result<Vec<T>> {
        let (reply, replies) = mpsc::channel();
        for shard in &self.shards {
            shard.send(command(reply.clone()))?;
        }
        drop(reply);
        self.shards.iter().map(|_| replies.recv().map_err(|_| stopped())).collect()
    }
}

fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the target has stopped")
}
