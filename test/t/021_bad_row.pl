# A job whose data the round's own statements cannot handle fails alone; the worker lives and the others go on.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 6);
create_workflow($node, 'eleven', 11);
my $worker = wait_for_worker($node);

# One job cannot be recorded (its third step), another cannot be planned (its fifth).
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.sabotage() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
	    IF NEW.state = 'completed' AND NEW.name = 'step_2' AND EXISTS (SELECT FROM provision.job JOIN provision.tenant USING (tenant_id)
	           WHERE job_id = NEW.job_id AND name = 't2') THEN
	        RAISE 'recording is sabotaged' USING ERRCODE = 'numeric_value_out_of_range';
	    ELSIF NEW.state = 'running' AND NEW.name = 'step_4' AND EXISTS (SELECT FROM provision.job JOIN provision.tenant USING (tenant_id)
	           WHERE job_id = NEW.job_id AND name = 't5') THEN
	        RAISE 'planning is sabotaged' USING ERRCODE = 'check_violation';
	    END IF;
	    RETURN NEW;
	END $$;
	CREATE TRIGGER sabotage BEFORE UPDATE ON provision.job_step FOR EACH ROW EXECUTE FUNCTION app.sabotage();});
start_jobs($node, 6, 'eleven');

ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), 'completed 4, failed 2', 'the two bad ones fail') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT tenant, current_step, error_code FROM provision.dead_letter JOIN provision.job_status USING (job_id, tenant, error_code) ORDER BY 1}) =~ s/\|[^|]*\|/|/gr,
	"t2|INTERNAL_ERROR\nt5|INTERNAL_ERROR", 'with a code of their own');
like($node->safe_psql('postgres', q{SELECT error_hint FROM provision.dead_letter WHERE tenant = 't2'}),
	qr/recording is sabotaged \(SQLSTATE 22003\)/, 'and the reason in the hint');
is(worker_pid($node), $worker, 'the worker lived through it');

$node->safe_psql('postgres', q{DROP TRIGGER sabotage ON provision.job_step; SELECT provision_retry('t2'); SELECT provision_retry('t5');});
ok(wait_for_jobs($node), 'retried without the sabotage they end');
is(tally($node), 'completed 6', 'completed') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
