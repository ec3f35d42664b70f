//! A piece of the body on its way into an array of the engine's: at most one copy, and none made for nothing.

use godot::prelude::*;
use whimbrel::PollClient;

/// Up to here a piece is read on the stack and copied into an array of its size; above, it is received in the array.
const SMALL: usize = 4 << 10;

/// What the next read gives; empty if there is nothing now.
///
/// `spare` is an array that an earlier read found nothing for.
pub(crate) fn read(client: &mut PollClient, spare: &mut PackedByteArray) -> PackedByteArray {
    let room = client.read_room();
    if room <= SMALL {
        let mut bytes = [0; SMALL];
        let count = client.read_body(&mut bytes[..room]);
        return if count == 0 { PackedByteArray::new() } else { PackedByteArray::from(&bytes[..count]) };
    }
    let mut bytes = std::mem::take(spare);
    if bytes.len() != room {
        bytes.resize(room);
    }
    let count = client.read_body(bytes.as_mut_slice());
    if count == room {
        return bytes;
    }
    if count > room / 4 {
        bytes.resize(count);
        return bytes;
    }
    let piece = if count == 0 { PackedByteArray::new() } else { PackedByteArray::from(&bytes.as_slice()[..count]) };
    *spare = bytes;
    piece
}
