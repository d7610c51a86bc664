/*
 * fuzz_key_ring.c
 *		A key file is understood or refused, and no refusal repeats what stands
 *		in it.
 */
#include <string.h>

#include "fuzz.h"
#include "key_ring.h"

/* Problems name a line by its number and are made of words of ours only: two files of as many lines have the same. */
static void
check_problem(const char *problem)
{
	fuzz_promise(strlen(problem) > 10 && strlen(problem) < KEY_PROBLEM_SIZE - 1, "a problem is a whole sentence");
	fuzz_promise(fuzz_is_harmless(problem, ""), "a problem is one line of text");
	fuzz_promise(strstr(problem, "canary") == NULL, "a problem repeats nothing of the file");
}

static void
check_ids(KeyRing *ring)
{
	int			count = 0;
	const char *id;

	for (; (id = provision_key_ring_id(ring, count)) != NULL; count++)
		fuzz_promise(strlen(id) > 0 && strlen(id) <= SECRET_MAX_ID_LENGTH && fuzz_is_harmless(id, ""), "an id is a short name");
	fuzz_promise(count > 0 && count <= KEY_RING_MAX, "a ring has 1 to 64 keys");
	fuzz_promise(provision_key_ring_is_same(ring, ring), "a ring is the same as itself");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char		problem[KEY_PROBLEM_SIZE] = "";
	KeyRing    *ring = provision_key_ring_parse((const char *) bytes, length, problem);
	KeyRing    *again = provision_key_ring_parse((const char *) bytes, length, problem);

	fuzz_promise((ring == NULL) == (again == NULL) && provision_key_ring_is_same(ring, again), "the same file is read in the same way");
	if (ring == NULL)
		check_problem(problem);
	else
		check_ids(ring);
	provision_key_ring_free(ring);
	provision_key_ring_free(again);
	return 0;
}
