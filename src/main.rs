//! The binary: hands over to [`ecs_operator::cli`].

fn main() -> std::process::ExitCode {
    ecs_operator::cli::main()
}
