//! What disturbs the agent while it endures: broken calls by a seeded chance, changes by hand, commits. Each is written down with
//! its time.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::bench::fault::What;
use crate::bench::repository::{Files, changed};

/// When something happened that may need another pass.
pub type Times = Arc<Mutex<Vec<Instant>>>;

/// Chance that can be repeated: xorshift.
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// How one call in a hundred breaks.
pub fn broken(chance: &mut Chance) -> Option<What> {
    if chance.below(100) > 0 {
        return None;
    }
    Some(match chance.below(5) {
        0 => What::Throttle,
        1 => What::Internal500,
        2 => What::LostAnswer,
        3 => What::Timeout,
        _ => What::Delay(std::time::Duration::from_millis(300)),
    })
}

/// Another revision of `um`: one to three edits of it, of what people change every day.
pub fn edited(base: &Files, chance: &mut Chance) -> Files {
    let mut files = base.clone();
    for _ in 0..=chance.below(3) {
        let n = chance.below(1000);
        files = match chance.below(7) {
            0 if files["services.toml"].contains("inbox:1.4.2") => {
                changed(&files, "services.toml", "inbox:1.4.2", &format!("inbox:1.5.{n}"))
            }
            1 if files["services.toml"].contains("exchange:2.7.0") => {
                changed(&files, "services.toml", "exchange:2.7.0", &format!("exchange:2.8.{n}"))
            }
            2 if files["config/nginx.conf"].contains("connections 1024") => {
                changed(&files, "config/nginx.conf", "connections 1024", &format!("connections {}", 2000 + n))
            }
            3 if files["services.toml"].contains("count   = 2") => {
                changed(&files, "services.toml", "count   = 2", &format!("count   = {}", 1 + n % 4))
            }
            4 if files["services.toml"].contains("\"/inbox/*\"") => {
                changed(&files, "services.toml", "\"/inbox/*\"", &format!("\"/inbox{}/*\"", n % 3))
            }
            5 if files["services.toml"].contains("LOG_LEVEL = \"info\" }") => {
                changed(&files, "services.toml", "LOG_LEVEL = \"info\"", &format!("LOG_LEVEL = \"info\", N = \"{n}\""))
            }
            _ => {
                let mut more = files.clone();
                let text = more.get_mut("stack.toml").expect("um has one");
                if !text.contains("[parameter.extra]") {
                    text.push_str(&format!("\n[parameter.extra]\nvalue = \"{n}\"\n"));
                }
                more
            }
        };
    }
    files
}
