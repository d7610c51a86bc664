/*
 * keeper.c
 *		The keys of this server, found by its settings.
 *
 * What is told of a key is its id and what is wrong with it, never where it
 * lies: the reasons are read by people who may not see the settings.
 */
#include "postgres.h"

#include <errno.h>
#include <sys/stat.h>

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"

#include "clock.h"
#include "keeper.h"
#include "settings.h"

/* A key command that takes longer is killed. */
#define COMMAND_MS (10 * 1000)

/* While jobs wait, the keys are looked at after this time, doubled each time in vain. */
#define RETRY_MS 500
#define LONGEST_RETRY_MS (60 * 1000)

/* The worker's own. */
static KeyRing *kept_ring = NULL;
static char kept_problem[KEY_PROBLEM_SIZE];
static KeyFileMark kept_mark;
static bool was_loaded = false;
static bool has_changed = false;
static bool some_wait = false;
static int	retry_ms = 0;
static int64 retry_at_ms = NEVER_MS;

bool
provision_keeper_has_command(void)
{
	return provision_key_command != NULL && provision_key_command[0] != '\0';
}

bool
provision_keeper_has_own_file(void)
{
	return !provision_keeper_has_command() && strcmp(provision_key_file, OWN_KEY_FILE) == 0;
}

/*
 * A copy of the data directory need not keep the modes of its files: nobody
 * else can reach them.
 */
static bool
is_own_file_closed(void)
{
	return provision_keeper_has_own_file() && (data_directory_mode & (S_IRWXG | S_IRWXO)) == 0;
}

KeyRing *
provision_keeper_load(KeyPatience patience, char problem[KEY_PROBLEM_SIZE])
{
	bool		has_command = provision_keeper_has_command();
	char		cause[KEY_PROBLEM_SIZE];
	KeyRing    *ring;

	if (!has_command && provision_key_file[0] == '\0')
	{
		strlcpy(problem, "Neither provision.key_file nor provision.key_command is set.", KEY_PROBLEM_SIZE);
		return NULL;
	}
	ring = has_command ? provision_key_command_run(provision_key_command, COMMAND_MS, patience, cause) :
		provision_key_file_read(provision_key_file, is_own_file_closed(), cause);
	if (ring == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "%s gives no keys. %.300s",
				 has_command ? "The command of provision.key_command" : "The file of provision.key_file", cause);
	return ring;
}

void
provision_keeper_make_own_file(void)
{
	char		problem[KEY_PROBLEM_SIZE];
	struct stat status;

	if (stat(OWN_KEY_FILE, &status) == 0 || errno != ENOENT)
		return;
	if (!provision_key_file_make(OWN_KEY_FILE, problem))
		ereport(ERROR,
				errcode(ERRCODE_IO_ERROR),
				errmsg("could not make a key file in the data directory"),
				errdetail("%s", problem));
	ereport(LOG,
			errmsg("made the key file \"%s\" in the data directory, with which secrets are sealed", OWN_KEY_FILE),
			errhint("Keep a copy of it apart from dumps and backups. provision.key_file may name a file elsewhere."));
}

static void
log_change(void)
{
	if (kept_ring != NULL)
		ereport(LOG, errmsg("read the keys of secrets; the current one is \"%s\"", provision_key_ring_id(kept_ring, 0)));
	else
		ereport(LOG, errmsg("could not read the keys of secrets"), errdetail("%s", kept_problem));
}

static void
load_again(KeyPatience patience)
{
	char		problem[KEY_PROBLEM_SIZE] = "";
	KeyRing    *ring = provision_keeper_load(patience, problem);

	if (provision_keeper_has_command())
		SetLatch(MyLatch);
	if (ring == NULL && ShutdownRequestPending)
		return;					/* it says nothing of the keys */
	strlcpy(kept_problem, problem, sizeof(kept_problem));
	if (was_loaded && provision_key_ring_is_same(ring, kept_ring))
	{
		provision_key_ring_free(ring);
		return;
	}
	provision_key_ring_free(kept_ring);
	kept_ring = ring;
	has_changed = true;
	if (was_loaded)
		log_change();
	was_loaded = true;
}

static bool
source_may_have_changed(void)
{
	KeyFileMark mark;

	if (provision_keeper_has_command())
		return false;
	mark = provision_key_file_mark(provision_key_file);
	if (memcmp(&mark, &kept_mark, sizeof(mark)) == 0)
		return false;
	kept_mark = mark;
	return true;
}

bool
provision_keeper_refresh(KeyPatience patience)
{
	bool		is_due = retry_at_ms <= provision_clock_ms();

	if (source_may_have_changed() || !was_loaded || (is_due && provision_keeper_has_command()))
		load_again(patience);
	if (is_due)
	{
		retry_ms = Max(RETRY_MS, Min(2 * retry_ms, LONGEST_RETRY_MS));
		retry_at_ms = provision_clock_ms() + retry_ms;
	}
	return has_changed || is_due;
}

/* With keys of a command, for the next refresh; a file shows by itself that it changed. */
void
provision_keeper_expire(void)
{
	memset(&kept_mark, 0, sizeof(kept_mark));
	if (provision_keeper_has_command() || some_wait)
		retry_at_ms = 0;
	retry_ms = 0;
}

long
provision_keeper_wait_ms(void)
{
	if (retry_at_ms == NEVER_MS)
		return -1;
	return Max(retry_at_ms - provision_clock_ms(), 0);
}

bool
provision_keeper_take_change(void)
{
	bool		change = has_changed;

	has_changed = false;
	return change;
}

void
provision_keeper_repeat(void)
{
	has_changed = true;
}

/* Who begins to wait is looked after at once: the keys may be new, and nobody has told us. */
void
provision_keeper_note_waiting(bool waiting)
{
	if (!waiting)
		retry_at_ms = NEVER_MS;
	else if (!some_wait)
	{
		ereport(LOG,
				errmsg("jobs wait because credentials cannot be opened"),
				errhint("provision_why() tells of each job why."));
		retry_ms = 0;
		retry_at_ms = 0;
	}
	some_wait = waiting;
}

bool
provision_keeper_open_with(KeyRing *ring, const char *missing, const char *identity,
						   const unsigned char *sealed, size_t length,
						   unsigned char *plain, size_t *plain_length, char problem[KEY_PROBLEM_SIZE])
{
	char		id[SECRET_MAX_ID_LENGTH + 1];
	const unsigned char *key;

	if (!provision_secret_key_id(sealed, length, id))
	{
		strlcpy(problem, "What is stored is not a sealed secret.", KEY_PROBLEM_SIZE);
		return false;
	}
	key = provision_key_ring_find(ring, id);
	if (key == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "They are sealed with key \"%s\", which is missing.%s%.300s", id,
				 ring == NULL ? " " : "", ring == NULL ? missing : "");
	else if (!provision_secret_open(key, identity, sealed, length, plain, plain_length))
		snprintf(problem, KEY_PROBLEM_SIZE,
				 "Key \"%s\" does not open them: it is not the key they were sealed with, or they were changed.", id);
	else
		return true;
	return false;
}

bool
provision_keeper_can_seal(char problem[KEY_PROBLEM_SIZE])
{
	if (kept_ring == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "What its answer tells could not be sealed. %.300s", kept_problem);
	return kept_ring != NULL;
}

bool
provision_keeper_seal(const char *identity, const void *plain, size_t length,
					  unsigned char *sealed, size_t *sealed_length)
{
	return kept_ring != NULL && provision_key_ring_seal(kept_ring, identity, plain, length, sealed, sealed_length);
}

bool
provision_keeper_open(const char *identity, const unsigned char *sealed, size_t length,
					  unsigned char *plain, size_t *plain_length, char problem[KEY_PROBLEM_SIZE])
{
	return provision_keeper_open_with(kept_ring, kept_problem, identity, sealed, length, plain, plain_length, problem);
}
