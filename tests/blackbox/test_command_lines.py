"""The command lines of all programs: help, version, what they do not know."""
import subprocess

from support.expect import expect

PROGRAMS = {"tandemqd": 2, "tandemq-agent": 2, "tandemqctl": 64, "tandemq-journal": 2,
            "tandemq-bench": 2}


def run(ctx, program, *arguments):
    with ctx.program(program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     stdin=subprocess.DEVNULL, text=True) as process:
        out, error = process.communicate(timeout=20)
        return process.returncode, out, error


def test_help_and_version(ctx):
    for program in PROGRAMS:
        code, out, error = run(ctx, program, "--help")
        expect(code == 0 and "--version" in out and not error, f"{program} --help: {code} {out}")
        code, out, error = run(ctx, program, "--version")
        expect(code == 0 and out.startswith(f"{program} ") and out.count("\n") == 1,
               f"{program} --version: {code} {out} {error}")


def test_unknown_option(ctx):
    for program, usage in PROGRAMS.items():
        for arguments in (["--nonsense"], ["--nonsense=1", "extra"]):
            code, out, error = run(ctx, program, *arguments)
            expect(code == usage, f"{program} {arguments}: exit code {code}")
            expect("--nonsense" in error or program in ("tandemq-journal", "tandemq-bench"),
                   f"{program} does not name it: {error}")
            expect("--help" in error and not out, f"{program} does not point to --help: {error}")


def test_missing_arguments(ctx):
    for program, part in (("tandemqctl", "command"), ("tandemq-journal", "path"),
                          ("tandemq-bench", "subcommand")):
        code, out, error = run(ctx, program)
        expect(code == PROGRAMS[program] and part in error and not out, f"{program}: {code} {error}")
