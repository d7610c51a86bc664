#!/bin/sh
# Libraries share one name space inside the server up to PostgreSQL 15: every exported symbol must be ours by its name.
foreign=$(nm -D --defined-only "$1" | awk '{ print $3 }' |
	grep -Ev '^(provision_|_PG_init$|Pg_magic_func$|pg_finfo_provision_|_init$|_fini$)')
if [ -z "$foreign" ]; then
	echo 'ok - exported symbols'
else
	echo 'not ok - exported symbols'
	printf '%s\n' "$foreign" | sed 's/^/    /'
fi

# Places where a test may kill the process are for the library that tests build for themselves.
if nm "$1" | grep -q provision_fault; then
	echo 'not ok - no fault points'
else
	echo 'ok - no fault points'
fi
