//! Who signed a commit, and whether that is somebody who may.
