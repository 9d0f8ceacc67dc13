//! The admin port answers in JSON that the library's own types read.

use mock_target::{Ledger, Plan, Stats};
use serde::de::DeserializeOwned;

use crate::client::{Client, Response, scenario, start};

fn ask(target: &mock_target::Handle, line: &str) -> Response {
    let mut client = Client::connect(target.admin_address());
    client.send(format!("{line} HTTP/1.1\r\nhost: t\r\n\r\n"));
    let response = client.response();
    assert_eq!(client.rest(), b"");
    response
}

fn ask_json<T: DeserializeOwned>(target: &mock_target::Handle, line: &str) -> T {
    let response = ask(target, line);
    assert_eq!((response.status(), response.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&response.body).expect("JSON of the right shape")
}

#[test]
fn stats_ledger_and_plan_are_what_the_library_says() {
    let target = start("fixed:1ms");
    let mut client = Client::connect(target.address());
    for id in 0..5 {
        client.get(id);
    }
    assert_eq!(ask_json::<Stats>(&target, "GET /stats"), target.stats().expect("stats"));
    assert_eq!(ask_json::<Ledger>(&target, "GET /ledger"), target.ledger().expect("a ledger"));
    let plan = ask_json::<Plan>(&target, "GET /plan");
    assert_eq!(plan, Plan::of(&scenario("fixed:1ms")));
    assert_eq!(
        (plan.urls.len(), plan.urls[7].path.as_str(), plan.urls[7].delay_ns),
        (100, "/u/7", 1_000_000)
    );
}

#[test]
fn a_reset_over_the_port_resets() {
    let target = start("fixed:0ms");
    Client::connect(target.address()).get(1);
    assert_eq!(ask(&target, "POST /reset").status(), 200);
    assert_eq!(target.stats().expect("stats"), Stats::default());
}

#[test]
fn anything_else_is_refused() {
    let target = start("fixed:0ms");
    assert_eq!(ask(&target, "GET /").status(), 404);
    assert_eq!(ask(&target, "GET /reset").status(), 405);
    assert_eq!(ask(&target, "DELETE /stats").status(), 405);
    let mut client = Client::connect(target.admin_address());
    client.send("\x16\x03\x01\r\n\r\n");
    drop(client);
    assert_eq!(ask(&target, "GET /stats").status(), 200);
}
