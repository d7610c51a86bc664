# Every fault of Frappe Agent in turn while sites are deleted: the right end, and nothing submitted twice.
use strict;
use warnings;
use AgentFaults;
use Test::More;

try_faults('delete_site');
done_testing();
