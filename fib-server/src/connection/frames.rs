//! Tracks where the bytes of an HTTP/2 connection stand: between two frames, or within an incomplete one. The
//! HTTP library handles what the frames mean.

/// The length of a frame's head (RFC 9113, 4.1).
const HEAD: usize = 9;

const HEADERS: u8 = 0x1;
const PUSH_PROMISE: u8 = 0x5;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;

/// Follows the incoming bytes after the connection preface.
#[derive(Debug, Default, Clone)]
pub(crate) struct Frames {
    head: [u8; HEAD],
    head_filled: usize,
    payload_left: usize,
    /// A header block has started and not ended: its frames are one transmission (RFC 9113, 4.3).
    open_block: bool,
    /// Bytes of the incomplete transmission.
    incomplete: usize,
}

/// The state after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fed {
    /// All transmissions are complete.
    Complete,
    /// One is incomplete, the same as before.
    StillIncomplete,
    /// One is incomplete, and started with these bytes.
    NewlyIncomplete,
}

impl Frames {
    /// Follows some bytes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Fed {
        let mut fresh = self.incomplete == 0;
        while !bytes.is_empty() {
            let eaten = self.step(bytes);
            bytes = &bytes[eaten..];
            self.incomplete += eaten;
            if self.head_filled == HEAD && self.payload_left == 0 {
                self.head_filled = 0;
                if !self.open_block {
                    self.incomplete = 0;
                    fresh = true;
                }
            }
        }
        match (self.incomplete, fresh) {
            (0, _) => Fed::Complete,
            (_, true) => Fed::NewlyIncomplete,
            (_, false) => Fed::StillIncomplete,
        }
    }

    /// The bytes of the incomplete transmission.
    pub(crate) fn incomplete(&self) -> usize {
        self.incomplete
    }

    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.head_filled == HEAD {
            let eaten = self.payload_left.min(bytes.len());
            self.payload_left -= eaten;
            return eaten;
        }
        let eaten = (HEAD - self.head_filled).min(bytes.len());
        self.head[self.head_filled..self.head_filled + eaten].copy_from_slice(&bytes[..eaten]);
        self.head_filled += eaten;
        if self.head_filled == HEAD {
            let [a, b, c, kind, flags, ..] = self.head;
            self.payload_left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION) {
                self.open_block = flags & END_HEADERS == 0;
            }
        }
        eaten
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, 1]);
        frame.extend(payload);
        frame
    }

    const PING: u8 = 0x6;

    #[test]
    fn whole_frames_leave_nothing_incomplete() {
        let mut frames = Frames::default();
        let bytes = [frame(PING, 0, &[0; 8]), frame(HEADERS, END_HEADERS, b"abc")].concat();
        assert_eq!(frames.feed(&bytes), Fed::Complete);
        assert_eq!(frames.incomplete(), 0);
    }

    #[test]
    fn a_frame_in_pieces_is_one_incomplete_transmission_until_its_last_byte() {
        let mut frames = Frames::default();
        let bytes = frame(PING, 0, &[0; 8]);
        assert_eq!(frames.feed(&bytes[..1]), Fed::NewlyIncomplete);
        for byte in &bytes[1..16] {
            assert_eq!(frames.feed(&[*byte]), Fed::StillIncomplete);
        }
        assert_eq!(frames.feed(&bytes[16..]), Fed::Complete);
    }

    #[test]
    fn a_header_block_is_incomplete_until_its_end_in_any_number_of_frames() {
        let mut frames = Frames::default();
        assert_eq!(frames.feed(&frame(HEADERS, 0, b"a")), Fed::NewlyIncomplete);
        for _ in 0..3 {
            let more = frame(CONTINUATION, 0, b"b");
            assert_eq!(frames.feed(&more), Fed::StillIncomplete);
        }
        let last = frame(CONTINUATION, END_HEADERS, b"c");
        assert_eq!(frames.feed(&last), Fed::Complete);
    }

    #[test]
    fn the_clock_starts_again_for_the_next_frame() {
        let mut frames = Frames::default();
        let bytes = frame(PING, 0, &[0; 8]);
        frames.feed(&bytes[..5]);
        let rest_and_more = [&bytes[5..], &bytes[..3]].concat();
        assert_eq!(frames.feed(&rest_and_more), Fed::NewlyIncomplete);
        assert_eq!(frames.incomplete(), 3);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_bytes_are_cut(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..400) {
            let at = at.min(bytes.len());
            let (mut whole, mut parts) = (Frames::default(), Frames::default());
            whole.feed(&bytes);
            parts.feed(&bytes[..at]);
            parts.feed(&bytes[at..]);
            prop_assert_eq!(whole.incomplete(), parts.incomplete());
        }
    }
}
