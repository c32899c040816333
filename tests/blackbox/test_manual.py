"""The manual pages say of every program what its --help does, and nothing else."""
import os
import re

from support.expect import expect
from test_command_lines import PROGRAMS, run

MAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "man")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def page_of(program):
    section = {"tandemqd": 8, "tandemq-agent": 8}.get(program, 1)
    with open(os.path.join(MAN, f"{program}.{section}.scd"), encoding="utf-8") as file:
        return file.read()


def helps(ctx, program, *under):
    """What the program and each of its commands, and theirs, print for --help, and the commands."""
    text = run(ctx, program, *under, "--help")[1]
    commands = re.findall(r"^  ([a-z][a-z-]*)  ", text.partition("\nSubcommands:")[2], re.MULTILINE)
    texts, names = [text], [" ".join([*under, command]) for command in commands]
    for command in commands:
        more, below = helps(ctx, program, *under, command)
        texts, names = texts + more, names + below
    return texts, names


def test_pages_name_every_option_and_command(ctx):
    for program in PROGRAMS:
        texts, commands = helps(ctx, program)
        has = {option for text in texts
               for line in re.findall(r"^  (?:-\S,)?(--\S+)", text, re.MULTILINE)
               for option in OPTION.findall(line)}
        page = page_of(program)
        tells = set(OPTION.findall(page))
        expect(has == tells, f"{program}: not on its page {sorted(has - tells)}, only there "
               f"{sorted(tells - has)}")
        for command in commands:
            expect(f"*{command}*" in page, f"{program}: its page does not tell of {command}")
