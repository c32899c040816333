#!/usr/bin/python3
"""set_toml.py DIR FILE:SECTION.KEY=VALUE: one setting in DIR/FILE.toml, as the lab wrote it (VALUE in TOML)."""
import re
import sys


def apply(text, section, key, value):
    """The text with `key = value` in [section]; replaces the line, else adds it."""
    head = re.search(rf"^\[{re.escape(section)}\]\n", text, re.M)
    if not head:
        return f"{text}[{section}]\n{key} = {value}\n"
    end = re.compile(r"^\[", re.M).search(text, head.end())
    stop = end.start() if end else len(text)
    body, count = re.subn(rf"^{re.escape(key)} = .*\n", lambda _: f"{key} = {value}\n",
                          text[head.end():stop], flags=re.M)
    return text[:head.end()] + ("" if count else f"{key} = {value}\n") + body + text[stop:]


def main():
    folder, setting = sys.argv[1:]
    match = re.fullmatch(r"(broker|agent):([\w.]+)\.(\w+)=(.*)", setting)
    if not match:
        sys.exit(f'lab up: --set "{setting}" is not broker|agent:SECTION.KEY=VALUE')
    path = f"{folder}/{match.group(1)}.toml"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(apply(text, *match.groups()[1:]))


if __name__ == "__main__":
    main()
