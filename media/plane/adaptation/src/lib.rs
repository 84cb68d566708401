//! What a subscriber's link carries, told by transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! The estimate rests on one observation: packets that wait behind one another in a queue leave it at exactly the rate of the
//! link. A picture sent a little faster than the link shows that rate by how far apart its packets arrive, however little
//! is sent on average. So a sender that is limited by its source still knows its link (`dispersion`). What the queue itself
//! says (`queue`) tells when somebody else's packets are in it, and bounds the rest.
//!
//! Times are seconds, each side's from an origin of its own; rates are bits per second.

pub mod aside;
pub mod caution;
pub mod comparison;
pub mod config;
pub mod contention;
pub mod dispersion;
pub mod estimator;
pub mod history;
pub mod loss;
pub mod pacer;
pub mod policed;
pub mod probe;
pub mod queue;
pub mod reports;

pub use config::Config;
pub use estimator::Estimator;
pub use reports::ReportEstimator;
