# What the demo and the live suite share: a private server in which the worker runs, and the stand-in. Read after test/lib/prepare.sh.

# Fewer than the tests need.
install_packages_to_run() {
	version=${PG_VERSION:-$(find_postgresql)}
	if ! command -v apt-get > /dev/null; then
		printf 'no apt-get here: PostgreSQL %s with its development files, libcurl and OpenSSL, gcc, make and python3 are needed\n' "$version"
		return
	fi
	wanted="gcc make libc6-dev libssl-dev python3 ca-certificates postgresql-$version postgresql-server-dev-$version"
	command -v curl-config > /dev/null || wanted="$wanted libcurl4-openssl-dev"
	missing=$(missing_packages $wanted)
	[ -n "$missing" ] || return 0
	heading "installing $missing"
	$sudo apt-get -qq update
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing > /dev/null
}

start_server_with_worker() {
	server=$scratch/server
	as_user mkdir "$server"
	as_user initdb -D "$server/data" -U postgres -A trust -N -E UTF8 --locale=C > "$scratch/initdb.log" 2>&1
	as_user sh -c "cat >> $server/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$server'
		fsync = off
		shared_preload_libraries = 'provision'
	END
	as_user pg_ctl -D "$server/data" -l "$server/log" -w start > /dev/null
	PGHOST=$server PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
	export PGHOST PGUSER PGDATABASE PGCLIENTENCODING
}

# Options are those of test/standin/erpnext.py. Sets standin_url.
start_standin() {
	as_user sh -c 'echo $$ > "$0/standin.pid"; exec python3 "$@"' "$scratch" \
		"$tree/test/standin/erpnext.py" --ready-file "$scratch/port" "$@" > "$scratch/standin.log" 2>&1 &
	tries=0
	while [ ! -s "$scratch/port" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ]; then
			printf 'the stand-in did not start:\n'
			cat "$scratch/standin.log"
			return 1
		fi
		sleep 0.05
	done
	standin_url=http://127.0.0.1:$(cat "$scratch/port")
}

# The number is its own, not that of the shell or runuser before it, which would leave it behind.
stop_standin() {
	[ ! -s "$scratch/standin.pid" ] || kill "$(cat "$scratch/standin.pid")" 2> /dev/null || true
}
