//! The binary: hands over to [`ecs_operator::cli`].

fn main() {}
