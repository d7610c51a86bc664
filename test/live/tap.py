"""Output in TAP's form. What makes the rest pointless raises Bail."""

passed = 0
failed = 0


class Bail(Exception):
    """Nothing that follows could succeed."""


def ok(holds, name, *details):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
    print("%s %d - %s" % ("ok" if holds else "not ok", passed + failed, name))
    if not holds:
        note(*details)
    return bool(holds)


def same(got, wanted, name):
    return ok(got == wanted, name, "got:    %r" % (got,), "wanted: %r" % (wanted,))


def need(holds, name, *details):
    """Like ok(), for what the rest builds on."""
    if not ok(holds, name, *details):
        raise Bail(name)


def note(*lines):
    for line in lines:
        for part in str(line).splitlines():
            print("# " + part, flush=True)


def finish():
    print("1..%d" % (passed + failed))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0
