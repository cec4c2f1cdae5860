//! The product against the sandbox, one story a test: what is applied, what AWS is told, and that planning again
//! finds nothing to do.

mod cluster;
mod crash;
mod failure;
mod no_fight;
mod ownership;
mod prune;
mod rejection;
mod repository;
mod rollback;
mod scaling;
mod service;
