# The parts of `make check`. Each adds lines "passed failed" to $scratch/results and goes on after a failure. Read by test/run.

# Counts lines of TAP's form, of pg_regress before version 16 too, while showing them.
count_lines() {
	awk -v results="$scratch/results" '
		{ print; fflush() }
		/^ok |^test .*\.\.\. ok / { passed++ }
		/^not ok |^test .*\.\.\. FAILED/ { failed++ }
		END { print passed + 0, failed + 0 >> results }'
}

# A part that ends badly without having named a failure must not look like a success.
blame() {
	printf 'not ok - %s\n' "$1" | count_lines
}

run_style() {
	{
		as_user python3 "$tree/test/lib/check_sizes.py" "$tree"
		as_user sh "$tree/test/lib/check_symbols.sh" "$tree/provision.so"
		if command -v cppcheck > /dev/null; then
			as_user sh "$tree/test/lib/check_cppcheck.sh" "$tree"
		fi
	} 2>&1 | count_lines
}

run_unit() {
	as_user make -s -C "$tree" -f test/unit/unit.mk check 2>&1 | count_lines
	if command -v valgrind > /dev/null; then
		printf 'under valgrind:\n'
		as_user make -s -C "$tree" -f test/unit/unit.mk valgrind 2>&1 | count_lines
	fi
}

run_fuzz() {
	if command -v clang > /dev/null; then
		as_user make -s -j "$(nproc)" -O -C "$tree" -f test/fuzz/fuzz.mk check 2>&1 | count_lines
	fi
}

run_standin() {
	as_user sh -c "cd $tree && python3 -m unittest discover -s test/standin -t test/standin" > "$scratch/standin.log" 2>&1 || true
	tail -n 30 "$scratch/standin.log"
	as_user python3 "$tree/test/lib/count_unittest.py" "$scratch/standin.log" >> "$scratch/results" || blame 'tests of the stand-in'
}

# Names given on the command line, with or without their folder and suffix, or every file.
chosen_files() {
	folder=$1
	suffix=$2
	shift 2
	if [ $# -eq 0 ]; then
		ls "$tree/$folder/"*"$suffix" 2>/dev/null || true
		return
	fi
	for name in "$@"; do
		ls "$tree/$folder/$(basename "$name" "$suffix")"*"$suffix" 2>/dev/null || true
	done
}

run_pgtap() {
	start_server
	as_user psql -Xqc 'CREATE DATABASE pgtap' -c '\c pgtap' -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION provision' || blame 'pgTAP'
	rm -f "$scratch/pgtap.count"
	PGDATABASE=pgtap as_user perl "$tree/test/lib/harness.pl" "$scratch/pgtap.count" psql -XqAt -v ON_ERROR_STOP=1 -f \
		-- $(chosen_files test/pgtap .sql "$@") || true
	cat "$scratch/pgtap.count" >> "$scratch/results" || blame 'pgTAP'
}

run_regress() {
	start_server
	for kind in REGRESS ISOLATION; do
		case $kind in
			REGRESS) other=ISOLATION files=$(chosen_files test/sql .sql "$@") ;;
			ISOLATION) other=REGRESS files=$(chosen_files test/specs .spec "$@") ;;
		esac
		names=$(for file in $files; do basename "$file" | sed 's/\.[a-z]*$//'; done)
		[ -n "$names" ] || continue
		if as_user make -s -C "$tree" PG_CONFIG="$bin/pg_config" with_llvm=no installcheck "$kind=$(echo $names)" "$other=" \
			> "$scratch/$kind.log" 2>&1; then
			grep '^test \|^ok ' "$scratch/$kind.log" | count_lines
		elif grep -q '^not ok \|FAILED' "$scratch/$kind.log"; then
			count_lines < "$scratch/$kind.log"
		else
			cat "$scratch/$kind.log"
			blame "$kind"
		fi
		cat "$tree/regression.diffs" "$tree/output_iso/regression.diffs" 2>/dev/null || true
		rm -rf "$tree/regression.diffs" "$tree/output_iso"
	done
}

# What PostgreSQL's modules for tests want to know. FAULTS_INSTALL: programs whose extension can be killed at chosen places.
with_perl_modules() {
	pgxs=lib/postgresql/$version/lib/pgxs/src/test
	as_user env PERL5LIB="$scratch/pg/$pgxs/perl:$tree/test/perl:$tree/test/chaos" TESTDIR="$tree" TESTDATADIR="$tree/tmp_check" \
		TESTLOGDIR="$tree/tmp_check/log" PG_REGRESS="$scratch/pg/$pgxs/regress/pg_regress" \
		PG_TEST_TIMEOUT_DEFAULT="${PG_TEST_TIMEOUT_DEFAULT:-60}" STANDIN="$tree/test/standin/erpnext.py" CI="${CI:-}" \
		FAULTS_INSTALL="$scratch/faults/lib/postgresql/$version" \
		CLUSTER_TEMPLATES="$scratch/template" REAL_INITDB="$bin/initdb" PATH="$tree/test/lib/quick:$PATH" "$@"
}

run_tap() {
	build_with_faults || blame 'fault points'
	make_cluster_templates || blame 'cluster templates'
	turn=0
	while [ $turn -lt "${REPEAT:-1}" ]; do
		turn=$((turn + 1))
		[ "${REPEAT:-1}" -eq 1 ] || printf -- '--- round %s ---\n' "$turn"
		as_user rm -rf "$tree"/tmp_check/t_*_data       # what a failed round before this one left
		[ ! -d "$tree/tmp_check/log" ] || as_user mv "$tree/tmp_check/log" "$tree/tmp_check/log.$((turn - 1))"
		with_perl_modules env HARNESS_JOBS="${JOBS:-$(($(nproc) + 1))}" perl "$tree/test/lib/harness.pl" "$scratch/tap.count" perl -- $(chosen_files test/t .pl "$@") || true
		cat "$scratch/tap.count" >> "$scratch/results" || blame 'TAP'
		rm -f "$scratch/tap.count"
	done
}

# Not a part of "make check": it takes as long as it is told to.
run_chaos() {
	make_cluster_templates || return 1
	with_perl_modules perl "$tree/test/chaos/run.pl" || return 1
}

show_result() {
	awk -v seconds="$1" '
		{ passed += $1; failed += $2 }
		END {
			printf "\nin %d s\n%d passed, %d failed\n", seconds, passed, failed
			exit (failed > 0 || passed == 0)
		}' "$scratch/results"
}
