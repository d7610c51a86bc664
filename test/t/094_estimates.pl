# What is shown when a job is enqueued comes true: of jobs on engines with different limits and a server that takes its random time, most end
# within the times shown. Meanwhile estimates stay ahead of the clock, places only fall, and all who tell of them tell the same.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--read-ms', 40, '--write-ms', 40, '--seed', 94);
my $node = new_node('main');
my $url = $standin->url;

$standin->fault({ path_regex => 'ping', probability => 0.1 }, { delay_ms => 400 });
$standin->fault({ path_regex => 'ping', probability => 0.4 }, { delay_ms => 160 });
$standin->fault({ path_regex => 'ping', probability => 0.5 }, { delay_ms => 90 });
$node->safe_psql('postgres', qq{
	SELECT provision_engine_create('narrow', '$url', options => '{"max_concurrent": 3}'),
	       provision_engine_create('paced', '$url', options => '{"max_concurrent": 8, "rate_per_second": 18, "burst": 5}'),
	       provision_engine_create('alone', '$url', options => '{"max_concurrent": 6}');
	SELECT provision_engine_secret(engine, 'test-key', 'test-secret') FROM unnest('{narrow,paced,alone}'::text[]) AS engine;
	SELECT provision_tenant_create(engine || n, engine, jsonb_build_object('company_name', 'Company ' || engine || n, 'abbr', left(engine, 1) || n, 'country', 'US'),
	                               (ARRAY['starter', 'professional', 'enterprise'])[1 + n % 3])
	  FROM unnest('{narrow,paced,alone}'::text[]) AS engine, generate_series(1, 60) AS n;});
create_workflow($node, 'two', 2);
create_workflow($node, 'lonely', 1);
$node->safe_psql('postgres', q{
	UPDATE provision.step SET exclusive = 'ledger' WHERE workflow_id = (SELECT workflow_id FROM provision.workflow WHERE name = 'lonely');
	CREATE TABLE app.shown (job_id bigint PRIMARY KEY, earliest timestamptz, latest timestamptz, likely timestamptz);
	CREATE TABLE app.look (look integer, at timestamptz, job_id bigint, jobs_ahead bigint, starts_at timestamptz, ends_at timestamptz, learnt_at timestamptz);
	CREATE FUNCTION app.start(jobs integer) RETURNS bigint LANGUAGE sql AS $$
		SELECT count(provision_start(engine || n, CASE engine WHEN 'alone' THEN 'lonely' ELSE 'two' END))
		  FROM generate_series(1, jobs) AS n, unnest('{narrow,paced,alone}'::text[]) AS engine;
	$$;});

# Nobody knows at first, and says so.
$node->safe_psql('postgres', 'SELECT provision_pause_all()');
is($node->safe_psql('postgres', 'SELECT app.start(25)'), 75, 'jobs wait');
is($node->safe_psql('postgres', q{SELECT DISTINCT unknown_because FROM provision.queue}), 'everything paused', 'a pause has no end that is known');
$node->safe_psql('postgres', 'SELECT provision_resume_all()');
ok(wait_for_jobs($node), 'they make history');
ok(poll($node, 'SELECT EXISTS (SELECT FROM provision.pace)'), 'which a worker learns from by itself');
ok(wait_until(sub {        # in vain while a worker does
	$node->safe_psql('postgres', 'SELECT provision.learn_paces()');
	return $node->safe_psql('postgres', 'SELECT count(*), sum(run_count) FROM provision.pace WHERE engine_id > 0') eq '3|75';
}), 'all of it');

# One transaction, so that what is shown is of before the first claim.
is($node->safe_psql('postgres', q{
	BEGIN;
	SELECT app.start(60);
	INSERT INTO app.shown SELECT job_id, earliest_finish_at, latest_finish_at, estimated_finish_at FROM provision.queue;
	COMMIT;}), 180, 'more of them');
is($node->safe_psql('postgres', q{SELECT count(*) FROM app.shown WHERE earliest <= likely AND likely <= latest}), 180, 'each is told when it ends');
is($node->safe_psql('postgres', q{
	SELECT count(*)
	  FROM provision.job_status AS status
	  JOIN provision.job ON job.job_id = status.job_id AND job.finished_at IS NULL
	  LEFT JOIN provision.queue AS place ON place.job_id = job.job_id
	 CROSS JOIN LATERAL provision_queue_position(job.job_id) AS own
	 WHERE (status.eta, (provision_status(job.job_id) ->> 'eta')::timestamptz) IS DISTINCT FROM (own.estimated_finish_at, own.estimated_finish_at)
	    OR place.job_id IS NOT NULL AND (place.queue_position, place.estimated_start_at, place.estimated_finish_at)
	                                    IS DISTINCT FROM (own.queue_position, own.estimated_start_at, own.estimated_finish_at)}),
	'0', 'job_status, provision_status, queue and provision_queue_position tell the same');

my $look = 0;
ok(wait_until(sub {
	usleep(300_000);        # to look costs the processor time that the worker needs
	$look++;
	$node->safe_psql('postgres', qq{
		INSERT INTO app.look SELECT $look, statement_timestamp(), job_id, jobs_ahead, estimated_start_at, estimated_finish_at, learnt_at
			  FROM provision.forecast, provision.control});
	return jobs_are_over($node);
}), 'they end');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM app.look JOIN provision.job USING (job_id)
	 WHERE ends_at < at OR starts_at < at AND job.started_at > at OR ends_at IS NULL}), '0', 'no estimate lay in the past');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT jobs_ahead, lag(jobs_ahead) OVER (PARTITION BY job_id ORDER BY look) AS before FROM app.look) AS step WHERE jobs_ahead > before}),
	'0', "and no place grew over $look looks");
is($node->safe_psql('postgres', q{
	SELECT count(*)
	  FROM (SELECT job_id, at, ends_at, lag(at) OVER each AS at_before, lag(ends_at) OVER each AS before FROM app.look WINDOW each AS (PARTITION BY job_id, learnt_at ORDER BY look)) AS step        -- what is learnt anew may be
	  JOIN app.shown USING (job_id)
	 WHERE abs(extract(epoch FROM step.ends_at - step.before))
	       > greatest(extract(epoch FROM shown.latest - shown.earliest), 1) + extract(epoch FROM step.at - step.at_before)}),
	'0', 'nor did an estimate leap by more than the range that was shown');

my $inside = $node->safe_psql('postgres', q{
	SELECT round(100 * avg((job.finished_at BETWEEN shown.earliest AND shown.latest)::integer)) FROM app.shown JOIN provision.job USING (job_id)});
note($node->safe_psql('postgres', q{
	SELECT engine.name, round(100 * avg((job.finished_at BETWEEN shown.earliest AND shown.latest)::integer)) AS inside,
	       round(avg(extract(epoch FROM job.finished_at - job.created_at)), 1) AS took,
	       round(avg(extract(epoch FROM shown.likely - job.created_at)), 1) AS expected,
	       round(avg(extract(epoch FROM shown.latest - shown.earliest)), 1) AS range
	  FROM app.shown JOIN provision.job USING (job_id) JOIN provision.engine USING (engine_id) GROUP BY 1 ORDER BY 1}));
note("$inside % of the finishes lie within the range that was shown");
ok_invariants($node, $standin);
$node->stop;
done_testing();
