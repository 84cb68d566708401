//! The rows of `snapshot()` as a numpy structured array.

use plane_core::command::SinkRow;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;

/// Fields and their types, in the order in which [`write_row`] writes them; no padding lies between.
const FIELDS: [(&str, &str); 25] = [
    ("sink", "u4"),
    ("peer", "u4"),
    ("source", "u4"),
    ("encoding", "i4"),
    ("spatial", "u4"),
    ("temporal", "u4"),
    ("packets", "u8"),
    ("bytes", "u8"),
    ("retransmissions", "u8"),
    ("lost", "u8"),
    ("fraction_lost", "f4"),
    ("rtt_ms", "f4"),
    ("switches", "u8"),
    ("estimate_bps", "f4"),
    ("link_rtt_ms", "f4"),
    ("queue_ms", "f4"),
    ("link_loss", "f4"),
    ("link_missed", "f4"),
    ("lost_run_ms", "f4"),
    ("link_bytes", "u8"),
    ("copied_bytes", "u8"),
    ("contended", "u4"),
    ("pushed_aside", "u4"),
    ("paced_bytes", "u4"),
    ("paced_ms", "f4"),
];

/// Octets of a row.
const ROW_OCTETS: usize = 128;

/// `numpy.frombuffer`, and the dtype of a row.
static NUMPY: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();

/// An array over one bytes object that the rows are written into: one copy, no object a row.
pub(crate) fn array<'py>(py: Python<'py>, rows: &[SinkRow]) -> PyResult<Bound<'py, PyAny>> {
    let (frombuffer, dtype) = NUMPY.get_or_try_init(py, || numpy(py))?;
    let octets = PyBytes::new_with(py, rows.len().saturating_mul(ROW_OCTETS), |octets| {
        for (row, place) in rows.iter().zip(octets.chunks_exact_mut(ROW_OCTETS)) {
            write_row(row, place);
        }
        Ok(())
    })?;
    frombuffer.bind(py).call1((octets, dtype))
}

fn numpy(py: Python<'_>) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let numpy = py.import("numpy")?;
    let dtype = numpy.getattr("dtype")?.call1((FIELDS.to_vec(),))?;
    Ok((numpy.getattr("frombuffer")?.unbind(), dtype.unbind()))
}

fn write_row(row: &SinkRow, place: &mut [u8]) {
    let fields: [&[u8]; FIELDS.len()] = [
        &row.sink.to_ne_bytes(),
        &row.peer.to_ne_bytes(),
        &row.source.to_ne_bytes(),
        &row.encoding.to_ne_bytes(),
        &u32::from(row.spatial).to_ne_bytes(),
        &u32::from(row.temporal).to_ne_bytes(),
        &row.packets.to_ne_bytes(),
        &row.bytes.to_ne_bytes(),
        &row.retransmissions.to_ne_bytes(),
        &row.lost.to_ne_bytes(),
        &row.fraction_lost.to_ne_bytes(),
        &row.rtt_ms.to_ne_bytes(),
        &row.switches.to_ne_bytes(),
        &row.link.estimate_bps.to_ne_bytes(),
        &row.link.rtt_ms.to_ne_bytes(),
        &row.link.queue_ms.to_ne_bytes(),
        &row.link.loss.to_ne_bytes(),
        &row.link.missed.to_ne_bytes(),
        &row.link.lost_run_ms.to_ne_bytes(),
        &row.link.octets.to_ne_bytes(),
        &row.link.copied.to_ne_bytes(),
        &u32::from(row.link.contended).to_ne_bytes(),
        &u32::from(row.link.pushed_aside).to_ne_bytes(),
        &row.link.paced_octets.to_ne_bytes(),
        &row.link.paced_ms.to_ne_bytes(),
    ];
    for (to, &from) in place.iter_mut().zip(fields.into_iter().flatten()) {
        *to = from;
    }
}
