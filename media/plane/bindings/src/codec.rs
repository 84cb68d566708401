//! `Codec`: one payload type of a peer.

use plane_core::command;
use pyo3::prelude::*;

use crate::arguments::{Int, counted, require, require_distinct};

/// One payload type of a peer. Source and sink are matched by `name`, which is canonical: "VP8", "opus", "H264/42e0/1".
///
/// Raises:
///     ValueError: an argument is out of range.
#[pyclass(frozen, module = "livetrial_plane")]
pub(crate) struct Codec(command::Codec);

#[pymethods]
impl Codec {
    #[new]
    #[pyo3(signature = (name, payload_type, *, clock_rate, rtx_payload_type = None))]
    fn new(name: String, payload_type: Int, clock_rate: Int, rtx_payload_type: Option<Int>) -> PyResult<Self> {
        counted("name", &name)?;
        let payload_type = rtp_payload_type("payload_type", payload_type)?;
        let clock_rate = clock_rate.within("clock_rate", 1..=u32::MAX)?;
        let rtx_payload_type = rtx_payload_type.map(|value| rtp_payload_type("rtx_payload_type", value)).transpose()?;
        require(rtx_payload_type != Some(payload_type), || "rtx_payload_type must differ from payload_type".into())?;
        Ok(Self(command::Codec { name, payload_type, clock_rate, rtx_payload_type }))
    }

    fn __repr__(&self) -> String {
        let command::Codec { name, payload_type, clock_rate, rtx_payload_type } = &self.0;
        let rtx = rtx_payload_type.map_or_else(String::new, |value| format!(", rtx_payload_type={value}"));
        format!("Codec({name:?}, {payload_type}, clock_rate={clock_rate}{rtx})")
    }
}

/// The codecs of a source or a sink: at least one, and no payload type twice.
pub(crate) fn list(codecs: &[PyRef<'_, Codec>]) -> PyResult<Vec<command::Codec>> {
    require(!codecs.is_empty(), || "codecs must not be empty".into())?;
    let codecs: Vec<command::Codec> = codecs.iter().map(|codec| codec.0.clone()).collect();
    require_distinct("payload types of codecs", codecs.iter().map(|codec| codec.payload_type))?;
    Ok(codecs)
}

/// 64 to 95 would be taken for RTCP, which shares the port (RFC 5761 section 4).
fn rtp_payload_type(name: &str, value: Int) -> PyResult<u8> {
    let value = value.within(name, 0..=127)?;
    require(!(64..=95).contains(&value), || format!("{name} must be 0 to 63 or 96 to 127, not {value} (RFC 5761)"))?;
    Ok(value)
}
