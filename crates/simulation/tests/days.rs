//! Whole days, small ones.
use alphec_simulation::Run;

#[test]
fn small_days_break_no_invariant() {
    for seed in 0..12 {
        let report = Run { seed, orders_max: 200 }.live();
        assert_eq!(report.violation, None, "seed {seed}");
        assert!(report.orders >= 50, "seed {seed}: {} orders", report.orders);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..3 {
        let run = Run { seed, orders_max: 200 };
        assert_eq!(run.live(), run.live(), "seed {seed}");
    }
}

/// A fleet that finds nothing because it looks at nothing would pass every day.
#[cfg(feature = "planted")]
#[test]
fn a_day_that_must_fail_fails() {
    let run = Run { seed: 1, orders_max: 60 };
    assert_eq!(run.live().violation, None);
    let violation = run.live_with("callers-hear-before-the-record").violation;
    assert!(violation.as_deref().is_some_and(|what| what.starts_with("I5: ")), "{violation:?}");
}
