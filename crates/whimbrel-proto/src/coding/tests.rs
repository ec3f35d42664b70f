//! Decoders against encoders, split anywhere.
