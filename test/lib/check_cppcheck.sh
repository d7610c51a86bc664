#!/bin/sh
# Static analysis of the C; what it says about PostgreSQL's own macros is left out.
if found=$(cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	--suppress=unknownMacro --suppress=missingInclude --error-exitcode=1 "$1/src" 2>&1); then
	echo 'ok - cppcheck'
else
	echo 'not ok - cppcheck'
	printf '%s\n' "$found" | sed 's/^/    /'
fi
