/*
 * fault.c
 *		Kills the process at an armed place, for tests; otherwise empty.
 *
 * The file provision_fault in the data directory arms one place: its name,
 * and how many times it is to be passed first. Who is killed has removed the
 * file before, so that its successor lives.
 */
#include "postgres.h"

#ifdef PROVISION_FAULTS

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fault.h"

#define ARMING_FILE "provision_fault"
#define REARMED_FILE "provision_fault.new"

static bool
read_arming(char *armed, int *passes)
{
	FILE	   *file = fopen(ARMING_FILE, "r");
	int			fields;

	if (file == NULL)
		return false;
	fields = fscanf(file, "%63s %d", armed, passes);
	fclose(file);
	return fields == 2;
}

/* A reader sees the old count or the new one, never half a file. */
static void
write_arming(const char *armed, int passes)
{
	FILE	   *file = fopen(REARMED_FILE, "w");

	if (file == NULL)
		return;
	fprintf(file, "%s %d\n", armed, passes);
	fclose(file);
	(void) rename(REARMED_FILE, ARMING_FILE);
}

void
provision_fault_point(const char *name)
{
	char		armed[64];
	int			passes;

	if (!read_arming(armed, &passes) || strcmp(armed, name) != 0)
		return;
	if (passes > 0)
	{
		write_arming(armed, passes - 1);
		return;
	}
	unlink(ARMING_FILE);
	kill(getpid(), SIGKILL);
}

#endif							/* PROVISION_FAULTS */
