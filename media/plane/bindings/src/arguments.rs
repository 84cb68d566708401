//! Arguments become valid types here, at the edge. What does not fit is a ValueError that says what would.

use std::collections::HashSet;
use std::hash::Hash;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use plane_core::command::{ExtensionIds, MediaKind};
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// RFC 8445 section 5.3.
const UFRAG_CHARACTERS: RangeInclusive<usize> = 4..=256;
const PWD_CHARACTERS: RangeInclusive<usize> = 22..=256;

/// A length octet counts them, in SDES (RFC 3550 section 6.5) and in header extensions (RFC 8285 section 4.3).
const COUNTED_OCTETS: RangeInclusive<usize> = 1..=255;

/// Largest UDP payload over IPv4.
const DATAGRAM_OCTETS: RangeInclusive<usize> = 1..=65_507;

/// An int of any size. What no range here includes is held as the nearest that fits.
#[derive(Clone, Copy)]
pub(crate) struct Int(i64);

impl<'py> FromPyObject<'_, 'py> for Int {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract() {
            Ok(value) => Ok(Self(value)),
            Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => Ok(Self(if object.lt(0)? { i64::MIN } else { i64::MAX })),
            Err(error) => Err(error),
        }
    }
}

impl Int {
    /// A default.
    pub(crate) const fn of(value: i64) -> Self {
        Self(value)
    }

    /// In `range`.
    pub(crate) fn within<T>(self, name: &str, range: RangeInclusive<T>) -> PyResult<T>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        let value = T::try_from(self.0).ok().filter(|value| range.contains(value));
        value.ok_or_else(|| invalid(format!("{name} must be {} to {}", range.start(), range.end())))
    }

    /// Of a peer or a sink.
    pub(crate) fn id(self, name: &str) -> PyResult<u32> {
        self.within(name, 0..=u32::MAX)
    }

    /// Of a source. 0 means "none" in a snapshot.
    pub(crate) fn source(self) -> PyResult<u32> {
        self.within("source", 1..=u32::MAX)
    }

    /// An SSRC that is there. 0 means "none" wherever one may be missing.
    pub(crate) fn ssrc(self) -> PyResult<u32> {
        self.within("ssrc", 1..=u32::MAX)
    }

    /// The SSRC of retransmissions, 0 where there are none; never the same as that of the media.
    pub(crate) fn rtx_ssrc(self, ssrc: u32) -> PyResult<u32> {
        let rtx_ssrc = self.within("rtx ssrc", 0..=u32::MAX)?;
        require(rtx_ssrc != ssrc, || format!("rtx ssrc must differ from ssrc {ssrc}"))?;
        Ok(rtx_ssrc)
    }
}

/// A ValueError.
pub(crate) fn invalid(message: String) -> PyErr {
    PyValueError::new_err(message)
}

/// A ValueError unless `holds`.
pub(crate) fn require(holds: bool, message: impl FnOnce() -> String) -> PyResult<()> {
    if holds { Ok(()) } else { Err(invalid(message())) }
}

/// A ValueError where something occurs twice.
pub(crate) fn require_distinct<T: Eq + Hash>(name: &str, values: impl IntoIterator<Item = T>) -> PyResult<()> {
    let mut seen = HashSet::new();
    require(values.into_iter().all(|value| seen.insert(value)), || format!("{name} must differ from one another"))
}

/// An address to bind. Names are not resolved: that could block, and which address is meant matters.
pub(crate) fn host(host: &str) -> PyResult<IpAddr> {
    host.parse().map_err(|_| invalid(format!("host must be an IPv4 or IPv6 address, not {host:?}")))
}

/// Seconds, above 0 and up to a day.
pub(crate) fn liveness(seconds: f64) -> PyResult<Duration> {
    require(seconds > 0.0 && seconds <= 86_400.0, || "liveness_timeout_s must be above 0, up to 86400".into())?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Audio or video.
pub(crate) fn kind(kind: &str) -> PyResult<MediaKind> {
    match kind {
        "audio" => Ok(MediaKind::Audio),
        "video" => Ok(MediaKind::Video),
        _ => Err(invalid(format!("kind must be 'audio' or 'video', not {kind:?}"))),
    }
}

/// Our ufrag and password, ice-chars both (RFC 8839 section 5.4).
pub(crate) fn ice_credentials(ufrag: &str, pwd: &str) -> PyResult<()> {
    for (name, value, allowed) in [("local_ufrag", ufrag, UFRAG_CHARACTERS), ("local_pwd", pwd, PWD_CHARACTERS)] {
        let is_ice = value.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'+' || octet == b'/');
        require(is_ice && allowed.contains(&value.len()), || {
            format!("{name} must be {} to {} characters of A-Z a-z 0-9 + /", allowed.start(), allowed.end())
        })?;
    }
    Ok(())
}

/// Header extension ids by short name, 1 to 255 and each given once (RFC 8285 section 4.3).
pub(crate) fn extensions(ids: &Bound<'_, PyDict>) -> PyResult<ExtensionIds> {
    let mut parsed = ExtensionIds::default();
    for (name, id) in ids {
        let name: String = name.extract()?;
        let id = id.extract::<Int>()?.within(&format!("the id of extension {name:?}"), 1..=u8::MAX)?;
        let field = match name.as_str() {
            "mid" => &mut parsed.mid,
            "rid" => &mut parsed.rid,
            "repaired-rid" => &mut parsed.repaired_rid,
            "transport-cc" => &mut parsed.transport_cc,
            "abs-send-time" => &mut parsed.abs_send_time,
            "audio-level" => &mut parsed.audio_level,
            "video-orientation" => &mut parsed.video_orientation,
            "playout-delay" => &mut parsed.playout_delay,
            "abs-capture-time" => &mut parsed.abs_capture_time,
            "dependency-descriptor" => &mut parsed.dependency_descriptor,
            "video-layers-allocation" => &mut parsed.video_layers_allocation,
            _ => return Err(invalid(format!("{name:?} is no header extension that the plane knows"))),
        };
        *field = id;
    }
    let given = ids.values().iter().map(|id| id.extract::<u8>()).collect::<PyResult<Vec<_>>>()?;
    require_distinct("extension ids", given)?;
    Ok(parsed)
}

/// Text that a length octet counts: a mid, a cname.
pub(crate) fn counted(name: &str, text: &str) -> PyResult<()> {
    require(COUNTED_OCTETS.contains(&text.len()), || {
        format!("{name} must be {} to {} octets, not {}", COUNTED_OCTETS.start(), COUNTED_OCTETS.end(), text.len())
    })
}

/// One datagram.
pub(crate) fn datagram(datagram: &[u8]) -> PyResult<()> {
    require(DATAGRAM_OCTETS.contains(&datagram.len()), || {
        format!("datagram must be 1 to {} octets, not {}", DATAGRAM_OCTETS.end(), datagram.len())
    })
}

/// RTP stream ids of the encodings (RFC 8851 section 10), each given once.
pub(crate) fn rids(rids: &[String]) -> PyResult<()> {
    for rid in rids {
        let is_id = rid.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
        require(is_id && COUNTED_OCTETS.contains(&rid.len()), || format!("rids must be letters, digits, - and _, not {rid:?}"))?;
    }
    require_distinct("rids", rids)
}

/// (ssrc, rtx ssrc or 0) of each encoding, no SSRC given twice; as many as `rids` where both are given.
pub(crate) fn ssrcs(ssrcs: &[(Int, Int)], rids: &[String]) -> PyResult<Vec<(u32, u32)>> {
    require(ssrcs.is_empty() || rids.is_empty() || ssrcs.len() == rids.len(), || {
        format!("ssrcs and rids must be as many where both are given, not {} and {}", ssrcs.len(), rids.len())
    })?;
    let parsed = ssrcs.iter().map(|(ssrc, rtx_ssrc)| {
        let ssrc = ssrc.ssrc()?;
        Ok((ssrc, rtx_ssrc.rtx_ssrc(ssrc)?))
    });
    let parsed = parsed.collect::<PyResult<Vec<_>>>()?;
    require_distinct("ssrcs", parsed.iter().flat_map(|&(ssrc, rtx_ssrc)| [ssrc, rtx_ssrc]).filter(|&ssrc| ssrc != 0))?;
    Ok(parsed)
}
