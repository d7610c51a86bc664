#!/bin/bash
# Measures what a snapshot that another session holds costs: bench/bloat.sh PORT SOCKET_DIRECTORY. See README.md, "A held snapshot".
set -euo pipefail

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=$1
free_seconds=${FREE_SECONDS:-30}
held_seconds=${HELD_SECONDS:-120}
jobs_per_second=${JOBS_PER_SECOND:-500}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
result() { printf 'result\t%s\t%s\t%s\n' "$1" "$2" "$3"; }

# Starts so many one-call jobs a second (0: keeps some 1,500 waiting), and puts one that is to run first among them ten times a second.
define_feeder() {
    sql <<'END'
        CREATE TABLE bench.probe (job_id bigint);
        CREATE FUNCTION bench.lacking(started bigint, since timestamptz, jobs_per_second integer) RETURNS bigint LANGUAGE sql AS $$
            SELECT CASE WHEN jobs_per_second > 0 THEN (extract(epoch FROM clock_timestamp() - since) * jobs_per_second)::bigint - started
                        WHEN started - sum(calls) < 1500 THEN 500 ELSE 0 END
              FROM provision.worker $$;
        CREATE PROCEDURE bench.feed(seconds integer, jobs_per_second integer) LANGUAGE plpgsql AS $$
        DECLARE
            since constant timestamptz := clock_timestamp();
            started bigint := 0;
            more bigint;
        BEGIN
            WHILE clock_timestamp() < since + make_interval(secs => seconds) LOOP
                more := bench.lacking(started, since, jobs_per_second);
                PERFORM count(*) FROM provision_start_many(ARRAY(SELECT 't' || 1 + (started + n) % 19000 FROM generate_series(1, more) AS n), 'one', priority => 0);
                started := started + more;
                INSERT INTO bench.probe SELECT provision_start('t' || 19001 + (extract(epoch FROM clock_timestamp()) * 10)::bigint % 1000, 'one', priority => 100);
                COMMIT;
                PERFORM pg_sleep(0.1);
            END LOOP;
        END $$;
END
}

wait_for_worker() {
    for _ in $(seq 100); do
        [ "$(sql -c "SELECT count(*) FROM provision.worker_status WHERE alive AND rounds > 0")" -gt 0 ] && return
        sleep 0.1
    done
    echo "no worker came up" >&2
    exit 1
}

# The worker's processor time so far, in milliseconds, and the calls it has made. What else runs on the machine does not change their ratio much.
sample() {
    local pid calls
    read -r pid calls < <(sql -F ' ' -c 'SELECT pid, calls FROM provision.worker WHERE ended_at IS NULL')
    awk -v calls="$calls" '{ print ($14 + $15) * 10, calls }' "/proc/$pid/stat"
}

# Microseconds of processor time for a call over the next $1 seconds, by tens of seconds.
watch_processor() {
    local before_ms before_calls after_ms after_calls
    read -r before_ms before_calls < <(sample)
    for ((ten = 0; ten < $1 / 10; ten++)); do
        sleep 10
        read -r after_ms after_calls < <(sample)
        echo $(((after_ms - before_ms) * 1000 / (after_calls - before_calls + 1)))
        before_ms=$after_ms before_calls=$after_calls
    done
}

# Jobs per second and the 99th percentile of what the jobs in front waited for their claim, by tens of seconds from $1 on, for $2 tens.
figures() {
    sql -F ' ' -v since="$1" -v tens="$2" <<'END'
        SELECT ten * 10, (SELECT count(*) / 10 FROM provision.job WHERE finished_at >= from_at AND finished_at < from_at + interval '10 s'),
               (SELECT round((percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at) * 1000))::numeric, 1)
                  FROM bench.probe JOIN provision.job USING (job_id) WHERE created_at >= from_at AND created_at < from_at + interval '10 s')
          FROM generate_series(0, :tens - 1) AS ten
         CROSS JOIN LATERAL (SELECT :'since'::timestamptz + make_interval(secs => ten * 10) AS from_at) AS span
         ORDER BY ten
END
}

report() {
    local name=$1 since=$2 tens=$3 processor=$4 second rate p99
    while read -r second rate p99 && read -r cost <&3; do
        echo "$name: second $second: $rate jobs/s, claim p99 $p99 ms, $cost us of the worker's processor time a call"
    done < <(figures "$since" "$tens") 3<"$processor"
    read -r _ rate p99 < <(figures "$since" 1)
    result "$name: throughput, first 10 s" "$rate" 'jobs/s'
    result "$name: claim p99, first 10 s" "$p99" 'ms'
    result "$name: processor, first 10 s" "$(head -n 1 "$processor")" 'us/call'
    read -r _ rate p99 < <(figures "$since" "$tens" | tail -n 1)
    result "$name: throughput, last 10 s" "$rate" 'jobs/s'
    result "$name: claim p99, last 10 s" "$p99" 'ms'
    result "$name: processor, last 10 s" "$(tail -n 1 "$processor")" 'us/call'
}

sql -c 'CREATE EXTENSION provision'
sql -v port="$port" -f "$bench_dir/workflow.sql" >/dev/null
define_feeder
wait_for_worker
sql -c "CALL bench.feed($((free_seconds + held_seconds + 12)), $jobs_per_second)" &
sleep 5
free_since=$(sql -c 'SELECT clock_timestamp()')
watch_processor "$free_seconds" >free_processor
held_since=$(sql -c 'SELECT clock_timestamp()')
sql -c 'BEGIN ISOLATION LEVEL REPEATABLE READ' -c 'SELECT count(*) FROM pg_class' -c "SELECT pg_sleep($held_seconds + 3)" >/dev/null &
watch_processor "$held_seconds" >held_processor
sleep 4
report 'no snapshot held' "$free_since" $((free_seconds / 10)) free_processor
report 'snapshot held' "$held_since" $((held_seconds / 10)) held_processor
wait
