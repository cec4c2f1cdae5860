//! What becomes of objects when their files cannot be used.
