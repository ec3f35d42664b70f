//! The clocks of a call, on a clock that moves only when it is told to.

use std::time::Duration;

use whimbrel_proto::exchange::deadline::Deadlines;
use whimbrel_proto::exchange::spec::Timeouts;
use whimbrel_proto::{Kind, Phase};

use crate::scenario::{Draft, Scenario};

fn call(connect: u64, idle: u64, total: u64) -> Scenario {
    let seconds = |seconds: u64| (seconds > 0).then(|| Duration::from_secs(seconds));
    let timeouts = Timeouts { connect: seconds(connect), idle: seconds(idle), total: seconds(total) };
    Draft::get("http://a.test/").set(|spec| spec.timeouts = timeouts).start()
}

#[test]
fn the_connect_clock_runs_from_the_lookup_to_the_end_of_tls_and_again_on_the_next_hop() {
    let scenario = call(3, 0, 0).lives_until(None).clock(Deadlines::connecting).lives_until(Some(3.0)).at(2.9);
    let scenario = scenario.clock(Deadlines::connected).lives_until(None).at(100.0).lives_until(None);
    let scenario = scenario.clock(Deadlines::connecting).lives_until(Some(103.0)).at(103.0);
    for (phase, code) in [
        (Phase::Resolve, "resolve-timeout"),
        (Phase::Connect, "connect-timeout"),
        (Phase::Proxy, "proxy-timeout"),
        (Phase::Tls, "tls-timeout"),
    ] {
        let error = scenario.expires(phase);
        assert_eq!((error.kind(), error.code()), (Kind::Timeout, code));
        assert!(error.detail().starts_with("connect timeout of 3 s while "), "{error}");
    }
}

#[test]
fn every_byte_either_way_starts_the_idle_clock_again() {
    let scenario = call(0, 5, 0).lives_until(Some(5.0)).at(4.9).clock(Deadlines::moved).lives_until(Some(9.9));
    let scenario = scenario.at(9.8).clock(Deadlines::moved).at(14.8);
    let error = scenario.expires(Phase::Body);
    assert_eq!((error.code(), error.detail()), ("body-timeout", "idle timeout of 5 s while receiving the body"));
}

#[test]
fn the_total_clock_is_never_started_again() {
    let scenario = call(3, 5, 7).clock(Deadlines::connecting).at(2.0).clock(Deadlines::connected);
    let scenario = scenario.lives_until(Some(7.0)).at(6.0).clock(Deadlines::moved).lives_until(Some(7.0));
    let scenario = scenario.clock(Deadlines::connecting).lives_until(Some(7.0)).at(7.0);
    assert_eq!(scenario.expires(Phase::Wait).detail(), "total timeout of 7 s while waiting for the response");
}

#[test]
fn a_continue_is_awaited_for_a_second_and_its_end_is_no_error() {
    let scenario = call(0, 5, 0).at(1.0).clock(Deadlines::moved).clock(Deadlines::await_continue);
    let scenario = scenario.lives_until(Some(2.0)).at(1.9);
    assert!(scenario.deadlines.awaits_continue() && !scenario.deadlines.continue_is_due(scenario.now));
    let scenario = scenario.at(2.0).lives_until(Some(2.0));
    assert!(scenario.deadlines.continue_is_due(scenario.now));
    let scenario = scenario.clock(|deadlines, _| deadlines.stop_awaiting_continue()).lives_until(Some(6.0));
    assert!(!scenario.deadlines.awaits_continue());
}

#[test]
fn no_timeouts_means_for_ever() {
    call(0, 0, 0).clock(Deadlines::connecting).at(1e9).lives_until(None);
}
