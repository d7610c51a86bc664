"""A file has one job: it aims at 400 lines, and one above 450 is wrong. A C function fits a screen: above 60 lines it is wrong."""

import pathlib
import sys

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
DATA = ("data", "recordings", "expected")

ROOT = pathlib.Path(sys.argv[1])


def report(is_ok, name, problems):
    print("%s - %s" % ("ok" if is_ok else "not ok", name))
    for problem in problems:
        print("    " + problem)


def long_files():
    patterns = ("src/*.[ch]", "sql/*/*.sql", "test/**/*.py", "test/**/*.pl", "test/**/*.pm", "test/pgtap/*.sql")
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > MAX_FILE_LINES and not set(path.parts) & set(DATA):
                yield "%s has %d lines" % (path.relative_to(ROOT), lines)


def long_functions():
    for path in sorted(ROOT.glob("src/*.c")):
        start = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start > MAX_FUNCTION_LINES:
                    yield "%s:%d: a function of %d lines" % (path.relative_to(ROOT), start, number - start)
                start = None


for name, problems in (("sizes of files", list(long_files())), ("sizes of functions", list(long_functions()))):
    report(not problems, name, problems)
