# Gets a machine ready: packages, an unprivileged user, a scratch folder with a copy of PostgreSQL, the extension in it. Read by test/run.

heading() {
	printf '\n=== %s ===\n' "$1"
}

# As root nothing that is built or started may run as root: PostgreSQL refuses to.
if [ "$(id -u)" -eq 0 ]; then
	sudo=
else
	sudo=sudo
fi

as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u "$test_user" -- env HOME="$scratch" "$@"
	else
		"$@"
	fi
}

# The newest server with its build files, or what Debian offers.
find_postgresql() {
	for directory in $(ls -d /usr/lib/postgresql/*/ 2>/dev/null | sort -t/ -k5 -n -r); do
		if [ -x "$directory/bin/postgres" ] && [ -f "$directory/lib/pgxs/src/makefiles/pgxs.mk" ]; then
			basename "$directory"
			return
		fi
	done
	printf '15\n'
}

missing_packages() {
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
	done
}

install_packages() {
	version=${PG_VERSION:-$(find_postgresql)}
	if ! command -v apt-get >/dev/null; then
		printf 'no apt-get here: the tests need PostgreSQL %s with its development files, pgTAP, libcurl and OpenSSL, gcc, make, Perl with IPC::Run, python3\n' "$version"
		return
	fi
	wanted="gcc make libc6-dev libssl-dev python3 perl openssl ca-certificates libipc-run-perl valgrind cppcheck faketime clang libclang-rt-dev
		postgresql-$version postgresql-server-dev-$version postgresql-$version-pgtap"
	command -v curl-config >/dev/null || wanted="$wanted libcurl4-openssl-dev"
	command -v npm >/dev/null || wanted="$wanted nodejs npm"        # for the judge of webhooks' signatures
	missing=$(missing_packages $wanted)
	[ -n "$missing" ] || return 0
	heading "installing $missing"
	$sudo apt-get -qq update
	# Installing a server makes a cluster of Debian's beside it; the tests neither need nor touch it.
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >/dev/null
}

# The copy works wherever it lies because PostgreSQL looks for its files relative to the program that was started.
copy_postgresql() {
	mkdir -p "$scratch/pg/lib/postgresql" "$scratch/pg/share/postgresql" "$scratch/pg/include"
	cp -aL "/usr/lib/postgresql/$version" "$scratch/pg/lib/postgresql/"
	cp -aL "/usr/share/postgresql/$version" "$scratch/pg/share/postgresql/"
	ln -s /usr/include/postgresql "$scratch/pg/include/postgresql"
	rm -f "$scratch/pg/lib/postgresql/$version/lib/provision.so" "$scratch/pg/share/postgresql/$version/extension/provision"*
}

make_scratch() {
	test_user=postgres
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/provision-check.XXXXXX")
	tree=$scratch/tree
	mkdir "$tree"
	tar -cf - --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude='./test/unit/build' --exclude='./test/fuzz/build' . | tar -xf - -C "$tree"
	copy_postgresql
	bin=$scratch/pg/lib/postgresql/$version/bin
	if [ "$(id -u)" -eq 0 ]; then
		chown -R "$test_user" "$scratch"
	fi
	chmod 755 "$scratch"
	: > "$scratch/results"
	PATH=$bin:$PATH
	LC_ALL=C
	PYTHONDONTWRITEBYTECODE=1
	export PATH LC_ALL PYTHONDONTWRITEBYTECODE
}

remove_scratch() {
	stop_server
	if [ -n "${KEEP:-}" ]; then
		printf 'kept: %s\n' "$scratch"
	else
		cd / && rm -rf "$scratch"
	fi
}

build_and_install() {
	heading "building for PostgreSQL $version"
	if ! as_user make -s -C "$tree" with_llvm=no PG_CONFIG="$bin/pg_config" install > "$scratch/build.log" 2>&1; then
		cat "$scratch/build.log"
		printf 'the build failed\n'
		return 1
	fi
	printf 'without a warning\n'
}

# A second copy of PostgreSQL whose library has the fault points of src/fault.h. Hard links: it costs no room.
build_with_faults() {
	[ ! -d "$scratch/faults" ] || return 0
	as_user cp -al "$scratch/pg" "$scratch/faults"
	as_user mkdir "$scratch/faults-tree"
	as_user cp -a "$tree/Makefile" "$tree/provision.control" "$tree/src" "$tree/sql" "$scratch/faults-tree"
	as_user rm -f "$scratch/faults/lib/postgresql/$version/lib/provision.so" "$scratch/faults-tree"/src/*.o
	if ! as_user make -s -C "$scratch/faults-tree" with_llvm=no PROVISION_FAULTS=1 \
		PG_CONFIG="$scratch/faults/lib/postgresql/$version/bin/pg_config" install-lib > "$scratch/faults.log" 2>&1; then
		cat "$scratch/faults.log"
		printf 'the build with fault points failed\n'
		return 1
	fi
}

# What new clusters are copied from (test/lib/quick/initdb): a plain one, and one that has the extension, in the locale that PostgreSQL's modules for tests
# would choose. It saves a fifth of the processors' work.
make_cluster_templates() {
	template=$scratch/template
	as_user mkdir "$template"
	as_user env -u LC_ALL LC_MESSAGES=C initdb -D "$template/plain" -A trust -N > "$scratch/initdb.log" 2>&1 &&
		as_user cp -a "$template/plain" "$template/extended" &&
		as_user pg_ctl -D "$template/extended" -l "$template/log" -w -o "-c fsync=off -c listen_addresses= -k $template" start > /dev/null &&
		as_user env PGHOST="$template" PGUSER= PGDATABASE=postgres PGPORT= psql -Xq -c 'CREATE EXTENSION provision' &&
		as_user pg_ctl -D "$template/extended" -m fast -w stop > /dev/null
}

# One server for the tests that want no worker: they look at rows that a worker would change.
start_server() {
	[ -z "${server:-}" ] || return 0
	server=$scratch/server
	as_user mkdir "$server"
	as_user initdb -D "$server/data" -U postgres -A trust -N -E UTF8 --locale=C > "$scratch/initdb.log" 2>&1
	as_user sh -c "cat >> $server/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$server'
		fsync = off
		shared_preload_libraries = 'provision'
		provision.databases = 'none'
	END
	as_user pg_ctl -D "$server/data" -l "$server/log" -w start > /dev/null
	PGHOST=$server PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
	export PGHOST PGUSER PGDATABASE PGCLIENTENCODING
}

stop_server() {
	[ -z "${server:-}" ] || as_user pg_ctl -D "$server/data" -m immediate stop > /dev/null 2>&1 || true
	server=
}
