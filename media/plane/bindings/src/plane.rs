//! `Plane`: the calls of the contract, each an argument check and a message.
//!
//! Posting never waits, so it keeps the interpreter attached; whatever waits for the worker detaches.

use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::time::Duration;

use plane_core::command::{Command, Protection};
use plane_core::engine;
use plane_net::{Config, Stopped};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arguments::{self, Int};
use crate::codec::{self, Codec};
use crate::event::Event;
use crate::{keys, snapshot};

/// More would only wait for one another: each takes a core.
const MAX_WORKERS: u8 = 64;

/// Datagrams of a first flight: a ClientHello is one, or two with a post-quantum key share.
const MAX_FLIGHT: usize = 4;

/// What ten of eleven lost leave to arrive is worth no more.
const MAX_COPIES: u8 = 15;

/// A copy that comes later than this finds its time to be heard gone.
const MAX_SPACING_MS: u64 = 200;

/// As much again as is protected.
const MAX_FEC_PERCENT: u8 = 100;

/// The extension can tell 40 s; a picture that late is no live picture any more.
const MAX_PLAYOUT_MS: u64 = 4000;

/// Media that wait longer than this are not held but withheld.
const MAX_HOLD_MS: u64 = 1000;

/// One media node.
///
/// Raises:
///     OSError: the port cannot be bound.
///     ValueError: an argument is out of range.
#[pyclass(frozen, module = "livetrial_plane")]
pub(crate) struct Plane(plane_net::Plane);

#[pymethods]
impl Plane {
    #[new]
    #[pyo3(
        signature = (
            *, host = "0.0.0.0", port = Int::of(0), tcp = true, workers = Int::of(1), liveness_timeout_s = 15.0,
            keyframe_interval_ms = Int::of(500)
        ),
        text_signature = "(*, host='0.0.0.0', port=0, tcp=True, workers=1, liveness_timeout_s=15.0, keyframe_interval_ms=500)"
    )]
    fn new(host: &str, port: Int, tcp: bool, workers: Int, liveness_timeout_s: f64, keyframe_interval_ms: Int) -> PyResult<Self> {
        let workers = workers.within("workers", 1..=MAX_WORKERS)?;
        let engine = engine::Config {
            liveness: arguments::liveness(liveness_timeout_s)?,
            keyframe_interval: Duration::from_millis(keyframe_interval_ms.within("keyframe_interval_ms", 0..=60_000)?),
        };
        let config =
            Config { host: arguments::host(host)?, port: port.within("port", 0..=u16::MAX)?, tcp, workers: workers.into(), engine };
        plane_net::Plane::start(config).map(Self).map_err(|error| {
            let text = format!("cannot start a plane on {host} port {}: {error}", config.port);
            // With an errno OSError makes itself the subclass that belongs to it.
            error.raw_os_error().map_or_else(|| PyOSError::new_err(text.clone()), |errno| PyOSError::new_err((errno, text.clone())))
        })
    }

    /// The port that is bound.
    #[getter]
    fn port(&self) -> u16 {
        self.0.address().port()
    }

    /// An eventfd, readable while events wait.
    fn fileno(&self) -> PyResult<i32> {
        self.0.running().map_err(stopped)?;
        Ok(self.0.events_ready().as_raw_fd())
    }

    /// Take all waiting events and rearm the eventfd.
    fn events(&self, py: Python<'_>) -> PyResult<Vec<Event>> {
        let events = self.0.take_events().map_err(stopped)?;
        Ok(events.iter().map(|event| Event::new(py, event)).collect())
    }

    #[pyo3(signature = (peer, *, local_ufrag, local_pwd, extensions))]
    fn add_peer(&self, peer: Int, local_ufrag: String, local_pwd: String, extensions: &Bound<'_, PyDict>) -> PyResult<()> {
        arguments::ice_credentials(&local_ufrag, &local_pwd)?;
        let extensions = arguments::extensions(extensions)?;
        self.post(Command::AddPeer { peer: peer.id("peer")?, local_ufrag, local_pwd, extensions })
    }

    fn accept_tickets(&self, key: &[u8]) -> PyResult<()> {
        let key: [u8; 32] = key.try_into().map_err(|_| arguments::invalid(format!("key must be 32 octets, not {}", key.len())))?;
        self.post(Command::AcceptTickets { key })
    }

    #[pyo3(signature = (peer, *, extensions))]
    fn set_extensions(&self, peer: Int, extensions: &Bound<'_, PyDict>) -> PyResult<()> {
        self.post(Command::SetExtensions { peer: peer.id("peer")?, extensions: arguments::extensions(extensions)? })
    }

    #[pyo3(signature = (peer, *, local_ufrag, local_pwd))]
    fn restart_ice(&self, peer: Int, local_ufrag: String, local_pwd: String) -> PyResult<()> {
        arguments::ice_credentials(&local_ufrag, &local_pwd)?;
        self.post(Command::RestartIce { peer: peer.id("peer")?, local_ufrag, local_pwd })
    }

    fn remove_peer(&self, peer: Int) -> PyResult<()> {
        self.post(Command::RemovePeer(peer.id("peer")?))
    }

    fn send_dtls(&self, peer: Int, datagram: &[u8]) -> PyResult<()> {
        arguments::datagram(datagram)?;
        self.post(Command::SendDtls { peer: peer.id("peer")?, datagram: datagram.to_vec() })
    }

    fn follow_checks(&self, peer: Int, datagrams: Vec<Vec<u8>>) -> PyResult<()> {
        arguments::require(datagrams.len() <= MAX_FLIGHT, || format!("a flight has at most {MAX_FLIGHT} datagrams"))?;
        datagrams.iter().try_for_each(|datagram| arguments::datagram(datagram))?;
        self.post(Command::FollowChecks { peer: peer.id("peer")?, datagrams })
    }

    fn gather(&self, on: bool) {
        self.0.gather(on);
    }

    fn show_again(&self, peer: Int) -> PyResult<()> {
        self.post(Command::ShowAgain(peer.id("peer")?))
    }

    #[pyo3(
        signature = (peer, *, profile, send_key, send_salt, receive_key, receive_salt, media_after_ms = Int::of(0)),
        text_signature = "($self, peer, *, profile, send_key, send_salt, receive_key, receive_salt, media_after_ms=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of the contract")]
    fn set_keys(
        &self, peer: Int, profile: &str, send_key: &[u8], send_salt: &[u8], receive_key: &[u8], receive_salt: &[u8], media_after_ms: Int,
    ) -> PyResult<()> {
        let hold = Duration::from_millis(media_after_ms.within("media_after_ms", 0..=MAX_HOLD_MS)?);
        let profile = keys::profile(profile)?;
        let send = keys::master_key("send", profile, send_key, send_salt)?;
        let receive = keys::master_key("receive", profile, receive_key, receive_salt)?;
        self.post(Command::SetKeys { peer: peer.id("peer")?, profile, send, receive, hold })
    }

    #[pyo3(signature = (source, *, peer, kind, mid, codecs, rids, ssrcs))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of the contract")]
    fn add_source(
        &self, source: Int, peer: Int, kind: &str, mid: String, codecs: Vec<PyRef<'_, Codec>>, rids: Vec<String>, ssrcs: Vec<(Int, Int)>,
    ) -> PyResult<()> {
        arguments::counted("mid", &mid)?;
        arguments::rids(&rids)?;
        self.post(Command::AddSource {
            source: source.source()?,
            peer: peer.id("peer")?,
            kind: arguments::kind(kind)?,
            mid,
            codecs: codec::list(&codecs)?,
            ssrcs: arguments::ssrcs(&ssrcs, &rids)?,
            rids,
        })
    }

    fn remove_source(&self, source: Int) -> PyResult<()> {
        self.post(Command::RemoveSource(source.source()?))
    }

    #[pyo3(signature = (sink, *, peer, mid, ssrc, rtx_ssrc, cname, codecs))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of the contract")]
    fn add_sink(
        &self, sink: Int, peer: Int, mid: String, ssrc: Int, rtx_ssrc: Int, cname: String, codecs: Vec<PyRef<'_, Codec>>,
    ) -> PyResult<()> {
        arguments::counted("mid", &mid)?;
        arguments::counted("cname", &cname)?;
        let (sink, peer, ssrc) = (sink.id("sink")?, peer.id("peer")?, ssrc.ssrc()?);
        let rtx_ssrc = rtx_ssrc.rtx_ssrc(ssrc)?;
        self.post(Command::AddSink { sink, peer, mid, ssrc, rtx_ssrc, cname, codecs: codec::list(&codecs)? })
    }

    /// Repair packets (FlexFEC) of a sink go out under this SSRC and payload type.
    #[pyo3(signature = (sink, *, ssrc, payload_type))]
    fn add_fec(&self, sink: Int, ssrc: Int, payload_type: Int) -> PyResult<()> {
        let (sink, ssrc) = (sink.id("sink")?, ssrc.ssrc()?);
        self.post(Command::AddFec { sink, ssrc, payload_type: payload_type.within("payload_type", 0..=127)? })
    }

    fn remove_sink(&self, sink: Int) -> PyResult<()> {
        self.post(Command::RemoveSink(sink.id("sink")?))
    }

    /// Show an encoding of a source in the sink, from its next keyframe on; None shows nothing.
    #[pyo3(
        signature = (sink, source, *, encoding = Int::of(0), spatial = None, temporal = None),
        text_signature = "($self, sink, source, *, encoding=0, spatial=None, temporal=None)"
    )]
    fn route(&self, sink: Int, source: Option<Int>, encoding: Int, spatial: Option<Int>, temporal: Option<Int>) -> PyResult<()> {
        self.post(Command::Route {
            sink: sink.id("sink")?,
            source: source.map(Int::source).transpose()?,
            encoding: encoding.within("encoding", 0..=u8::MAX)?.into(),
            spatial: spatial.map(|spatial| spatial.within("spatial", 0..=7)).transpose()?,
            temporal: temporal.map(|temporal| temporal.within("temporal", 0..=7)).transpose()?,
        })
    }

    /// Find out whether a subscriber's link carries so many bit/s; 0 ends it.
    fn want_bitrate(&self, peer: Int, bitrate: Int) -> PyResult<()> {
        let bitrate = f64::from(bitrate.within("bitrate", 0..=u32::MAX)?);
        self.post(Command::WantBitrate { peer: peer.id("peer")?, bitrate })
    }

    /// Protect a subscriber's media against losses of its link from now on.
    #[pyo3(
        signature = (
            peer, *, copies = Int::of(0), redundant_copies = Int::of(0), picture_copies = Int::of(0), spacing_ms = Int::of(0), retransmissions = Int::of(0),
            retransmission_spacing_ms = Int::of(0), fec_percent = Int::of(0), playout_ms = Int::of(0), plain_audio = false
        ),
        text_signature = "($self, peer, *, copies=0, redundant_copies=0, picture_copies=0, spacing_ms=0, retransmissions=0, retransmission_spacing_ms=0, fec_percent=0, playout_ms=0, plain_audio=False)"
    )]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of the contract")]
    fn protect(
        &self, peer: Int, copies: Int, redundant_copies: Int, picture_copies: Int, spacing_ms: Int, retransmissions: Int,
        retransmission_spacing_ms: Int, fec_percent: Int, playout_ms: Int, plain_audio: bool,
    ) -> PyResult<()> {
        let protection = Protection {
            copies: copies.within("copies", 0..=MAX_COPIES)?,
            redundant_copies: redundant_copies.within("redundant_copies", 0..=MAX_COPIES)?,
            picture_copies: picture_copies.within("picture_copies", 0..=MAX_COPIES)?,
            spacing: Duration::from_millis(spacing_ms.within("spacing_ms", 0..=MAX_SPACING_MS)?),
            retransmissions: retransmissions.within("retransmissions", 0..=MAX_COPIES)?,
            retransmission_spacing: Duration::from_millis(
                retransmission_spacing_ms.within("retransmission_spacing_ms", 0..=MAX_SPACING_MS)?,
            ),
            fec: fec_percent.within("fec_percent", 0..=MAX_FEC_PERCENT)?,
            playout: Duration::from_millis(playout_ms.within("playout_ms", 0..=MAX_PLAYOUT_MS)?),
            plain_audio,
        };
        self.post(Command::Protect { peer: peer.id("peer")?, protection })
    }

    fn request_keyframe(&self, source: Int) -> PyResult<()> {
        self.post(Command::RequestKeyframe(source.source()?))
    }

    /// A row a sink, as a numpy structured array.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = py.detach(|| self.0.snapshot()).map_err(stopped)?;
        snapshot::array(py, &rows)
    }

    /// Counters since start, and gauges.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        named(py, py.detach(|| self.0.stats()).map_err(stopped)?)
    }

    /// The same of each worker by itself.
    fn worker_stats<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let workers = py.detach(|| self.0.worker_stats()).map_err(stopped)?;
        workers.into_iter().map(|stats| named(py, stats)).collect()
    }

    /// Audio sources that speak, with their smoothed level in dBov.
    fn audio_levels(&self, py: Python<'_>) -> PyResult<HashMap<u32, f32>> {
        let levels = py.detach(|| self.0.audio_levels()).map_err(stopped)?;
        Ok(levels.into_iter().collect())
    }

    /// Counters per encoding, lowest first. Empty if the source is unknown.
    fn source_stats<'py>(&self, py: Python<'py>, source: Int) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let source = source.source()?;
        let rows = py.detach(|| self.0.source_stats(source)).map_err(stopped)?;
        let dicts = rows.iter().map(|row| {
            let dict = PyDict::new(py);
            dict.set_item("ssrc", row.ssrc)?;
            dict.set_item("packets", row.packets)?;
            dict.set_item("bytes", row.bytes)?;
            dict.set_item("keyframes", row.keyframes)?;
            dict.set_item("lost", row.lost)?;
            dict.set_item("active", u8::from(row.active))?;
            dict.set_item("spatial_layers", row.layers.0)?;
            dict.set_item("temporal_layers", row.layers.1)?;
            dict.set_item("layer_bytes", row.layer_bytes)?;
            dict.set_item("target_kbps", row.target.kbps)?;
            dict.set_item("width", row.target.width)?;
            dict.set_item("height", row.target.height)?;
            dict.set_item("media_ms", row.media_ms)?;
            Ok(dict)
        });
        dicts.collect()
    }

    /// Stop the worker and free the port. Idempotent; later calls raise RuntimeError.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

impl Plane {
    fn post(&self, command: Command) -> PyResult<()> {
        self.0.post(command).map_err(stopped)
    }
}

fn named<'py>(py: Python<'py>, stats: Vec<(&'static str, u64)>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in stats {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

fn stopped(why: Stopped) -> PyErr {
    PyRuntimeError::new_err(why.to_string())
}
