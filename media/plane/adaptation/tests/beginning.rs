//! What is lost while a receiver begins says nothing of its link.

use adaptation::{Config, Estimator};

/// Twenty packets, a millisecond apart, of which every fourth is reported lost half a round trip later.
fn report(estimator: &mut Estimator, at: f64) {
    let sent: Vec<(u16, f64)> =
        (0_u8..20).map(|index| at + f64::from(index) / 1000.0).map(|at| (estimator.on_sent(at, 1200.0), at)).collect();
    let reports = sent.iter().map(|&(number, at)| (number, (number % 4 != 1).then_some(at + 0.05)));
    estimator.on_feedback(at + 0.1, reports.collect::<Vec<_>>().into_iter());
}

#[test]
fn what_was_sent_before_the_first_report_is_not_counted_as_lost() {
    let mut estimator = Estimator::new(Config::default());
    report(&mut estimator, 1.0);
    assert!(estimator.loss() <= 0.0, "{}", estimator.loss());
    report(&mut estimator, 2.0);
    assert!(estimator.loss() > 0.01, "{}", estimator.loss());
}
