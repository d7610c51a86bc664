#!/bin/bash
# Measures what a deep queue costs those who start, claim and look: bench/deep.sh PORT SOCKET_DIRECTORY. See README.md, "A deep queue".
set -euo pipefail

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=$1
jobs=${DEEP_JOBS:-1000000}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
result() { printf 'result\t%s\t%s\t%s\n' "$1" "$2" "$3"; }

# No worker runs (deep.conf). The jobs are written as provision_start() would have written them, in the order of their tenants.
fill_queue() {
    sql -v jobs="$jobs" <<'END'
        INSERT INTO provision.tenant (name, engine_id, config, settings)
        SELECT 'd' || n, engine_id, '{}', '{}' FROM provision.engine, generate_series(1, :jobs) AS n WHERE engine.name = 'bench';
        INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by)
        SELECT tenant_id, engine_id, workflow_id, workflow.name, 'pending', extract(epoch FROM now()) - :jobs + row_number() OVER (ORDER BY tenant_id), 'deep', 'bench'
          FROM provision.tenant, provision.workflow WHERE tenant.name LIKE 'd%' AND workflow.name = 'one';
        INSERT INTO provision.job_step (job_id, ordinal, name, critical) SELECT job_id, 0, 'step_0', true FROM provision.job;
        INSERT INTO provision.pace (engine_id, workflow_id, run_count, run_samples, slot_samples, call_samples, exclusive_samples, run_low, run_typical, run_high,
                                    slot_seconds, slot_variance, calls, exclusive_seconds)
        SELECT 0, workflow_id, 100, '{1}', '{1}', '{1}', '{0}', 0.5, 1, 3, 1, 0.5, 1, 0 FROM provision.workflow WHERE name = 'one';
        ANALYZE;
        CREATE FUNCTION bench.typical(statement text, OUT ms numeric) LANGUAGE plpgsql AS $$
        DECLARE
            took double precision[] := '{}';
            started timestamptz;
        BEGIN
            FOR run IN 1 .. 30 LOOP
                started := clock_timestamp();
                EXECUTE replace(statement, '<n>', run::text);
                took := took || extract(epoch FROM clock_timestamp() - started)::double precision * 1000;
            END LOOP;
            ms := (SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY run)::numeric, 2) FROM unnest(took) AS run);
        END $$;
END
    sql -c CHECKPOINT
}

# The median of 30 runs in one session.
typical() {
    result "deep: $1" "$(sql -c "SELECT bench.typical(\$\$$2\$\$)")" 'ms'
}

# What a worker claims in a round after its first look, 20 jobs at a time.
claim() {
    sql <<'END'
        DO $$
        DECLARE
            mine bigint;
            mark provision.bookmark;
            started timestamptz;
            took double precision[] := '{}';
        BEGIN
            INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation INTO mine;
            FOR run IN 1 .. 20 LOOP
                started := clock_timestamp();
                mark := (SELECT claimed.bookmark FROM provision.claim_jobs(mine, 20, mark) AS claimed);
                COMMIT;
                took := took || extract(epoch FROM clock_timestamp() - started)::double precision * 1000;
            END LOOP;
            CREATE TABLE bench.claim AS SELECT took;
        END $$;
END
    result 'deep: first claim of 20 by a worker' "$(sql -c 'SELECT round(took[1]::numeric, 2) FROM bench.claim')" 'ms'
    result 'deep: each further claim of 20' "$(sql -c 'SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY run)::numeric, 2) FROM bench.claim, unnest(took[2:]) AS run')" 'ms'
}

sql -c 'CREATE EXTENSION provision'
sql -v port="$port" -f "$bench_dir/workflow.sql" >/dev/null
fill_queue
first=$(sql -c 'SELECT min(job_id) FROM provision.job')
for place in 10 4000 $((jobs / 2)) $((jobs - 10)); do
    typical "provision_queue_position, place $place" "SELECT * FROM provision_queue_position($((first + place)))"
    typical "provision_status, place $place" "SELECT provision_status($((first + place)))"
done
typical 'provision_jobs, 20 newest' 'SELECT * FROM provision_jobs()'
typical 'provision.queue LIMIT 20' 'SELECT * FROM provision.queue LIMIT 20'
typical 'provision.job_status of a tenant' "SELECT * FROM provision.job_status WHERE tenant = 'd5'"
typical 'provision.tenant_status of a tenant' "SELECT * FROM provision.tenant_status WHERE tenant = 'd5'"
typical 'provision_health' 'SELECT provision_health()'
typical 'provision_start' "SELECT provision_start('t<n>', 'one')"
claim
