//! `Event`: something Python must know.

use plane_core::command;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Something Python must know. Frozen. Fields that do not belong to `kind` hold their default.
#[pyclass(frozen, get_all, module = "livetrial_plane")]
pub(crate) struct Event {
    kind: &'static str,
    peer: u32,
    source: u32,
    encoding: usize,
    active: bool,
    data: Py<PyBytes>,
    address: String,
    protocol: String,
}

impl Event {
    pub(crate) fn new(py: Python<'_>, event: &command::Event) -> Self {
        match *event {
            command::Event::Dtls { peer, ref datagram } => {
                Self { data: PyBytes::new(py, datagram).unbind(), ..Self::bare(py, "dtls", peer) }
            }
            command::Event::Connected { peer, address } => {
                let (address, protocol) = (address.socket.to_string(), address.protocol.to_string());
                Self { address, protocol, ..Self::bare(py, "connected", peer) }
            }
            command::Event::Ticket { peer, ref ufrag, address } => {
                let (data, protocol) = (PyBytes::new(py, ufrag.as_bytes()).unbind(), address.protocol.to_string());
                Self { data, address: address.socket.to_string(), protocol, ..Self::bare(py, "ticket", peer) }
            }
            command::Event::Began { peer } => Self::bare(py, "began", peer),
            command::Event::Worsened { peer } => Self::bare(py, "worsened", peer),
            command::Event::Lost { peer } => Self::bare(py, "lost", peer),
            command::Event::Encoding { peer, source, encoding, active } => {
                Self { source, encoding, active, ..Self::bare(py, "encoding", peer) }
            }
        }
    }

    fn bare(py: Python<'_>, kind: &'static str, peer: u32) -> Self {
        let (source, encoding, active, address, protocol) = (0, 0, false, String::new(), String::new());
        Self { kind, peer, source, encoding, active, data: PyBytes::new(py, b"").unbind(), address, protocol }
    }
}

#[pymethods]
impl Event {
    fn __repr__(&self, py: Python<'_>) -> String {
        let Self { kind, peer, source, encoding, address, protocol, .. } = self;
        let rest = match *kind {
            // The first octet is the content type (RFC 6347), which is all that a reader can use.
            "dtls" => format!(", data=<{} octets>", self.data.bind(py).as_bytes().len()),
            "connected" => format!(", address={address:?}, protocol={protocol:?}"),
            "encoding" => {
                let active = if self.active { "True" } else { "False" };
                format!(", source={source}, encoding={encoding}, active={active}")
            }
            _ => String::new(),
        };
        format!("Event({kind:?}, peer={peer}{rest})")
    }
}
