"""What a program's log says when it broke: one pattern for every test bed."""
import re

# A broken invariant as broker/base/check.h prints it, and what the sanitizers and libc say.
CRASH = re.compile(r"event=invariant_broken|AddressSanitizer|ThreadSanitizer|LeakSanitizer"
                   r"|runtime error:|terminate called|Segmentation fault|core dumped")


def crash_line(path):
    """The first line of the file that tells of a crash, or None."""
    with open(path, encoding="utf-8", errors="replace") as f:
        return next((line.strip() for line in f if CRASH.search(line)), None)
