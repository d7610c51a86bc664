# Every fault of Frappe Agent in turn while sites are backed up: the right end, and nothing submitted twice.
use strict;
use warnings;
use AgentFaults;
use Test::More;

try_faults('backup_site');
done_testing();
