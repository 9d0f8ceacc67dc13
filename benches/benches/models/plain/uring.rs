//! The program on compio.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::Result;
use compio::runtime::{Runtime, spawn};
use inflight_worker::clients::Client;
use inflight_worker::clients::common::completion::Completion;

use super::Work;
use super::clients::expect_200;

pub(super) fn run(work: &Work) -> Result<()> {
    let (client, next, urls) = (Completion::new(&work.plan())?, Rc::new(Cell::new(0)), work.urls);
    Runtime::new()?.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..work.in_flight {
            let (mut lane, next) = (client.another(), next.clone());
            tasks.push(spawn(async move {
                while next.get() < urls {
                    let id = next.replace(next.get() + 1);
                    expect_200(lane.fetch(id).await);
                }
            }));
        }
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    Ok(())
}
