//! The engine on a faked cloud, with toy kinds of every nature: no AWS, a clock that the tests move, seconds in all.

mod bench;
mod kill;
mod plans;
mod random;
mod toys;
