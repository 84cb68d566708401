//! Which worker takes a ticket: told by the ticket itself, because nobody has been told of its peer.

use plane_core::command::WorkerId;
use plane_core::engine;

/// Where the checks of a ticket go; `None` where the ufrag is none. The last octet of its MAC is as good as a die.
pub(crate) fn worker_of(ufrag: &str, workers: usize) -> Option<WorkerId> {
    let die = ufrag.get(ufrag.len().checked_sub(2)?..).filter(|_| engine::has_ticket_shape(ufrag))?;
    usize::from(u8::from_str_radix(die, 16).ok()?).checked_rem(workers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_names_its_worker_and_nothing_else_does() {
        let ticket = format!("01{}07", "ab".repeat(31));
        assert_eq!(worker_of(&ticket, 1), Some(0));
        assert_eq!(worker_of(&ticket, 4), Some(3));
        for other in ["", "a", "ab", "07", &ticket[2..], &ticket.to_uppercase(), &ticket.replacen("01", "02", 1)] {
            assert_eq!(worker_of(other, 4), None, "{other}");
        }
        assert_eq!(worker_of(&ticket, 0), None);
    }
}
