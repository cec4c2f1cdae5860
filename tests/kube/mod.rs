//! Kubernetes itself: what a real API server makes of the definitions in `crds/`.
//!
//! `tools/kube.sh cargo test --test all kube` runs these; without `ECS_OPERATOR_KUBE` they say so and pass.

mod definitions;
mod rules;
mod server;
