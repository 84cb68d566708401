//! The forwarding plane as a Python module. `livetrial_plane.pyi` is its contract; each file here is one part of it.

mod arguments;
mod codec;
mod event;
mod keys;
mod plane;
mod snapshot;

/// The forwarding plane: RTP in, RTP out, without the interpreter.
#[pyo3::pymodule]
mod livetrial_plane {
    #[pymodule_export]
    use crate::codec::Codec;
    #[pymodule_export]
    use crate::event::Event;
    #[pymodule_export]
    use crate::plane::Plane;
}
