#!/usr/bin/python3
"""What operators get besides the programs: playbooks, alerts, boards, runbooks. Ends with `N passed, M failed`.

Quick, and without a pair: what needs one is in tests/e2e."""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_alerts  # noqa: E402
import check_boards  # noqa: E402
import check_page  # noqa: E402

ROOT = check_boards.ROOT
WORK = os.path.join(ROOT, "build", "ops")
ANSIBLE = os.path.join(ROOT, "ansible")
LINTED = re.compile(r"on (\d+) files")


def said(*command):
    """What a checker prints that does not end well."""
    done = subprocess.run(command, cwd=ANSIBLE, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_HOME": os.path.join(WORK, "ansible")})
    return done.returncode, done.stdout + done.stderr


def ansible_lint():
    """It has passed trees of which it had read one file: so they are counted."""
    status, out = said("ansible-lint", "--offline", "--nocolor", "--parseable", "--profile", "production")
    files = sum(name.endswith((".yml", ".j2")) or "." not in name.lstrip(".")
                for _, _, names in os.walk(ANSIBLE) for name in names)
    read = int((LINTED.search(out) or [0, 0])[1])
    if status:
        return [out]
    return [] if read >= 0.6 * files else [f"ansible-lint has read {read} files of {files}"]


def yamllint():
    status, out = said("yamllint", "--strict", ".")
    return [out] if status else []


def syntax():
    wrong = []
    for name in sorted(os.listdir(ANSIBLE)):
        if name.endswith(".yml") and not name.startswith("."):
            status, out = said("ansible-playbook", "--syntax-check", "-e", "replaced=mqtt-1", name)
            wrong += [out] if status else []
    return wrong


def alertmanager():
    status, out = said("amtool", "check-config", os.path.join(ROOT, "packaging/monitoring/alertmanager/alertmanager.example.yml"))
    return [out] if status else []


CHECKS = {"alerts fire and stay silent": lambda: check_alerts.check(ROOT, WORK), "boards and runbooks": check_boards.check,
          "page of the boards": lambda: check_page.check(WORK),
          "alertmanager's example": alertmanager, "ansible-lint": ansible_lint, "yamllint": yamllint,
          "playbooks can be read": syntax}


def main():
    os.makedirs(WORK, exist_ok=True)
    failed = 0
    for name, check in CHECKS.items():
        wrong = check()
        print(f"{'FAILED' if wrong else 'ok    '} {name}", flush=True)
        print("".join(f"  {line}\n" for line in wrong), end="")
        failed += bool(wrong)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
