//! Handshakes byte by byte, as a proxy would see them.
