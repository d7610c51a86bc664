#!/bin/bash
# Measures this extension: bench/provision.sh PORT SOCKET_DIRECTORY. See README.md, "A contender's script".
set -euo pipefail

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=$1

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
result() { printf 'result\t%s\t%s\t%s\n' "$1" "$2" "$3"; }
arrived() { curl -s "http://127.0.0.1:$port/_count" | sed 's/^{"count":\([0-9]*\).*/\1/'; }

wait_for_worker() {
    for _ in $(seq 100); do
        [ "$(sql -c "SELECT count(*) FROM provision.worker_status WHERE alive AND rounds > 0")" -gt 0 ] && return
        sleep 0.1
    done
    echo "no worker came up" >&2
    exit 1
}

# Starts a job for each of the first $2 tenants and waits until the last has ended; prints jobs per second.
measure_rate() {
    local workflow=$1 job_count=$2 call_count=$3 before
    sql -c 'CHECKPOINT'
    before=$(arrived)
    sql -c "SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(1, $job_count) AS n), '$workflow')" >/dev/null
    until [ "$(sql -c "SELECT count(*) FROM provision.job WHERE finished_at IS NULL")" -eq 0 ]; do sleep 0.2; done
    [ $(($(arrived) - before)) -eq $((job_count * call_count)) ] || { echo "not every call arrived once" >&2; exit 1; }
    sql -c "SELECT round((count(*) / extract(epoch FROM max(finished_at) - min(created_at)))::numeric, 1)
              FROM provision.job WHERE workflow = '$workflow' AND state = 'completed'"
}

# From provision_start() to the start of its request, one job at a time on an idle server, in milliseconds.
measure_latency() {
    for number in $(seq 300); do
        echo "SELECT provision_start('t$number', 'one') AS job \\gset"
        echo "CALL provision_wait(:job);"
    done | sql >/dev/null
    sql -F ' ' -c "
        SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY waited)::numeric, 2), round(percentile_cont(0.99) WITHIN GROUP (ORDER BY waited)::numeric, 2)
          FROM (SELECT extract(epoch FROM attempt.finished_at - job.created_at) * 1000 - attempt.duration_ms AS waited
                  FROM provision.attempt JOIN provision.job USING (job_id)) AS measured"
}

sql -c 'CREATE EXTENSION provision'
sql -v port="$port" -f "$bench_dir/workflow.sql" >/dev/null
wait_for_worker
result 'provision: workflows of 11 steps' "$(measure_rate eleven 1000 11)" 'workflows/s'
sql -c 'SET provision.may_change_history = on; TRUNCATE provision.job, provision.attempt, provision.event CASCADE'
result 'provision: one-call jobs' "$(measure_rate one 20000 1)" 'jobs/s'
sql -c 'SET provision.may_change_history = on; TRUNCATE provision.job, provision.attempt, provision.event CASCADE'
read -r median p99 < <(measure_latency)
result 'provision: start to request, median' "$median" 'ms'
result 'provision: start to request, p99' "$p99" 'ms'
