"""WebRTC on the server: aiortc's DTLS, ICE-lite and RTP in the forwarding plane, and which source is shown where."""
