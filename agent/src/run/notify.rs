//! Tells systemd how the agent is (`sd_notify`): without it, nobody is told and nothing else differs.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

/// How often the loop shows that it moves, unless the watchdog wants it sooner.
const OFTEN: Duration = Duration::from_secs(5);

/// The agent serves.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => debug!("there is no clock to tell systemd of: {error}"),
    }
}

/// The agent is being stopped.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// What `systemctl status` shows.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// Something was done since this was last told.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often the loop has to come by: three times in the time after which the watchdog bites.
pub fn rhythm() -> Duration {
    sd_notify::watchdog_enabled().map_or(OFTEN, |bites| (bites / 3).clamp(Duration::from_millis(10), OFTEN))
}

fn tell(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        debug!("systemd could not be told: {error}");
    }
}
