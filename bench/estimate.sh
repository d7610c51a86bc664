#!/bin/bash
# Measures whether jobs end when they were said to: bench/estimate.sh PORT SOCKET_DIRECTORY. See README.md, "Estimates".
set -euo pipefail

work_dir=$(dirname "$2")
bursts=${BURSTS:-25}
servers=()

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
result() { printf 'result\t%s\t%s\t%s\n' "$1" "$2" "$3"; }
stop_servers() { kill "${servers[@]}" 2>/dev/null || true; }

# A server that answers after $2 ms, and an engine named $1 for it with the options $3.
add_engine() {
    local port
    mkfifo "$1.port"
    "$work_dir/answer_server" --delay-ms "$2" --max-seconds 600 >"$1.port" &
    servers+=($!)
    read -r port <"$1.port"
    sql -c "SELECT provision_engine_create('$1', 'http://127.0.0.1:$port', options => '$3')" -c "SELECT provision_engine_secret('$1', 'key', 'secret')" >/dev/null
}

# Jobs of three steps, of 1 to 4 calls each, and one job in ten of 12: which, is left to chance.
define_workflow() {
    sql >/dev/null <<'END'
        CREATE SCHEMA bench;
        GRANT USAGE ON SCHEMA bench TO provision_planner;
        CREATE FUNCTION bench.plan_some(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
            SELECT 'call ' || n, 'POST', '/call', '{}'::jsonb, true, NULL::text, true, NULL::text, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text
              FROM (SELECT abs(hashtext(job ->> 'job_id')::bigint) AS chance) AS drawn,
                   generate_series(1, CASE WHEN chance % 10 = 0 THEN 12 ELSE 1 + chance % 4 END) AS n $$;
        WITH made AS (INSERT INTO provision.workflow (name) VALUES ('some') RETURNING workflow_id)
        INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, requires)
        SELECT workflow_id, n, 'step_' || n, 'bench.plan_some', true, CASE WHEN n > 0 THEN ARRAY['step_' || n - 1] ELSE '{}' END FROM made, generate_series(0, 2) AS n;
        INSERT INTO provision.tenant (name, engine_id, plan, config, settings)
        SELECT engine.name || n, engine_id, (ARRAY['starter', 'professional', 'enterprise'])[1 + n % 3], '{}', '{}' FROM provision.engine, generate_series(1, 2000) AS n;
        CREATE TABLE bench.shown (job_id bigint PRIMARY KEY, engine text, earliest timestamptz, latest timestamptz);
END
}

# Each burst starts up to $2 jobs on each engine, and notes what their customers are shown at that moment; then it is quiet for two seconds.
start_bursts() {
    for ((burst = 1; burst <= $1; burst++)); do
        echo "BEGIN;
              INSERT INTO bench.shown (job_id, engine)
              SELECT provision_start(engine.name || ($3 + ($burst - 1) * $2 + n), 'some'), engine.name
                FROM provision.engine, generate_series(1, 1 + floor(random() * $2)::integer) AS n;
              UPDATE bench.shown SET earliest = place.earliest_finish_at, latest = place.latest_finish_at
                FROM provision.forecast AS place WHERE place.job_id = shown.job_id AND shown.earliest IS NULL;
              COMMIT;
              SELECT pg_sleep(2);"
    done | sql >/dev/null
}

wait_for_jobs() {
    until [ "$(sql -c 'SELECT count(*) FROM provision.job WHERE finished_at IS NULL')" -eq 0 ]; do sleep 0.5; done
}

trap stop_servers EXIT
sql -c 'CREATE EXTENSION provision'
add_engine quick 100 '{"max_concurrent": 4}'
add_engine middling 250 '{"max_concurrent": 8}'
add_engine slow 600 '{"max_concurrent": 15}'
add_engine paced 100 '{"max_concurrent": 10, "rate_per_second": 20, "burst": 10}'
define_workflow
start_bursts 8 6 0         # history
wait_for_jobs
sql -c 'SELECT provision.learn_paces()' -c 'TRUNCATE bench.shown' >/dev/null
start_bursts "$bursts" 6 1000
wait_for_jobs
sql -F ' ' -c "SELECT engine, count(*), round(100 * avg((finished_at BETWEEN earliest AND latest)::integer), 1), round(100 * avg((finished_at < earliest)::integer), 1),
                      round(extract(epoch FROM avg(finished_at - created_at)), 1), round(extract(epoch FROM avg(latest - earliest)), 1)
                 FROM bench.shown JOIN provision.job USING (job_id) GROUP BY engine ORDER BY engine" |
    while read -r engine jobs inside early took width; do
        echo "engine $engine: $jobs jobs, $inside % inside, $early % earlier; they took $took s, the range was $width s wide"
        result "estimates: $engine, inside of the range" "$inside" '%'
    done
result 'estimates: all, inside of the range' "$(sql -c 'SELECT round(100 * avg((finished_at BETWEEN earliest AND latest)::integer), 1) FROM bench.shown JOIN provision.job USING (job_id)')" '%'
