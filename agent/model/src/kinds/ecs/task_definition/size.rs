//! Which sizes a task on Fargate can have. AWS refuses all others when the definition is registered, which is after the merge;
//! this says so before it. Nothing here talks to AWS, so a size that AWS adds has to be added to the table.

/// CPU units with their sizes of memory in MiB: the least, the most, the step. Windows needs 1 vCPU at least. After
/// [Task size](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size).
const TABLE: [(u32, u32, u32, u32); 6] = [
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// The least size, whose memory does not grow in even steps.
const LEAST: (u32, [u32; 3]) = (256, [512, 1024, 2048]);

/// A size that Fargate does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSize {
    /// No such CPU.
    #[error(
        "Fargate has no tasks with {cpu} CPU units: take 256, 512, 1024, 2048, 4096, 8192 or 16384 (1024 are one vCPU)"
    )]
    Cpu {
        /// What was asked for.
        cpu: u32,
    },
    /// No such memory with this CPU.
    #[error("Fargate has no tasks with {cpu} CPU units and {memory} MiB of memory: take {allowed}")]
    Memory {
        /// What was asked for.
        cpu: u32,
        /// What was asked for.
        memory: u32,
        /// What goes with this CPU.
        allowed: String,
    },
    /// Windows needs more.
    #[error("Windows on Fargate takes 1024 CPU units or more, not {cpu}")]
    Windows {
        /// What was asked for.
        cpu: u32,
    },
}

/// Whether Fargate has tasks of `cpu` units and `memory` MiB.
pub fn check(cpu: u32, memory: u32, windows: bool) -> Result<(), BadSize> {
    if windows && cpu < 1024 {
        return Err(BadSize::Windows { cpu });
    }
    let (least, few) = LEAST;
    if cpu == least {
        let allowed = format!("{}, {} or {}", few[0], few[1], few[2]);
        return if few.contains(&memory) { Ok(()) } else { Err(BadSize::Memory { cpu, memory, allowed }) };
    }
    let Some((_, from, to, step)) = TABLE.iter().find(|row| row.0 == cpu) else { return Err(BadSize::Cpu { cpu }) };
    if (*from..=*to).contains(&memory) && (memory - from).is_multiple_of(*step) {
        return Ok(());
    }
    Err(BadSize::Memory { cpu, memory, allowed: format!("{from} to {to} in steps of {step}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_every_row_are_allowed_and_what_lies_beyond_is_not() {
        for (cpu, from, to, step) in TABLE {
            assert_eq!((check(cpu, from, false), check(cpu, to, false)), (Ok(()), Ok(())), "{cpu}");
            assert_eq!(check(cpu, from + step, false), Ok(()), "{cpu}");
            for memory in [from - step, to + step, from + 1, from + step / 2, 0] {
                assert!(matches!(check(cpu, memory, false), Err(BadSize::Memory { .. })), "{cpu} {memory}");
            }
        }
        assert_eq!(check(256, 2048, false), Ok(()));
        assert!(check(256, 1536, false).is_err(), "a multiple of 512 that the table leaves out");
    }

    #[test]
    fn the_message_says_what_to_take() {
        let told = |cpu, memory, windows| check(cpu, memory, windows).unwrap_err().to_string();
        assert!(told(1024, 9216, false).ends_with("take 2048 to 8192 in steps of 1024"));
        assert!(told(256, 4096, false).ends_with("take 512, 1024 or 2048"));
        assert!(told(300, 512, false).contains("256, 512, 1024"));
        assert!(told(512, 1024, true).contains("1024 CPU units or more, not 512"));
    }
}
