//! The kill matrix on `hello`: at every changing call, each way in which a process or a call can die; afterwards a new
//! process, with nothing but Git and AWS, is done within three passes, nothing is leaked, nothing is there twice.
//!
//! On the fake all cells: `AGENT_MATRIX=full cargo test -p agent --test it crash`; a sample of them otherwise. The last
//! full result stands in `docs/reliability.md`.

mod fake;
