//! All integration tests in one binary: one link, not one per file.

mod all {
    mod cli;
}
