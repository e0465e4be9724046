"""One file per command: `add_arguments(parser)` and `run(args) -> exit status`; heavy imports inside `run`."""
