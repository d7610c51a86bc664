# The stand-in for Frappe Cloud's public API as a process of the test. The key is test-key, the secret test-secret.
package PressStandin;

use strict;
use warnings;
use parent 'Standin';
use File::Basename 'dirname';

sub program
{
	return dirname($ENV{STANDIN}) . '/press.py';
}

1;
