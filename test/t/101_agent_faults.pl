# Every fault of Frappe Agent in turn while sites are made: the right end, and nothing submitted twice.
use strict;
use warnings;
use AgentFaults;
use Test::More;

try_faults('create_site');
done_testing();
