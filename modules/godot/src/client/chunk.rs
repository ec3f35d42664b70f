//! A piece of the body on its way into an array of the engine's: at most one copy, and no array for nothing.

use godot::prelude::*;
use whimbrel::{PollClient, PollStatus};

/// Up to here a piece is read on the stack and copied into an array of its size.
const SMALL: usize = 4 << 10;

/// What the next read gives; empty if there is nothing now.
///
/// Larger pieces are received in `spare`, which is handed out where they fill it, and otherwise kept for the next.
pub(crate) fn read(client: &mut PollClient, spare: &mut PackedByteArray) -> PackedByteArray {
    let room = room(client);
    if room <= SMALL {
        let mut bytes = [0; SMALL];
        let count = client.read_body(&mut bytes[..room]);
        return array(&bytes[..count]);
    }
    if spare.len() < room {
        spare.resize(room);
    }
    let count = client.read_body(&mut spare.as_mut_slice()[..room]);
    let piece = if count > spare.len() / 4 * 3 {
        let mut piece = std::mem::take(spare);
        piece.resize(count);
        piece
    } else {
        array(&spare.as_slice()[..count])
    };
    if client.status() != PollStatus::Body {
        *spare = PackedByteArray::new();
    }
    piece
}

/// How much may come. Of a chunked body the engine knows what it has received; more may follow at once.
fn room(client: &mut PollClient) -> usize {
    match client.read_room() {
        0 => 0,
        _ if client.is_response_chunked() && !client.preserve_chunks() => {
            usize::try_from(client.read_chunk_size()).unwrap_or(SMALL)
        }
        room => room,
    }
}

fn array(bytes: &[u8]) -> PackedByteArray {
    if bytes.is_empty() { PackedByteArray::new() } else { PackedByteArray::from(bytes) }
}
