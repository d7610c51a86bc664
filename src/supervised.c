/*
 * supervised.c
 *		The databases that the launcher knows.
 *
 * They come from the server's own list, and from the mailbox.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "settings.h"
#include "shared.h"
#include "supervised.h"

#define INVALID_DATABASE (-2)	/* datconnlimit of one whose DROP was interrupted */

static HTAB *supervised_databases;

void
provision_supervised_open(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Supervised), .hcxt = TopMemoryContext};

	supervised_databases = hash_create("provision databases", 16, &control,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
provision_supervised_scan(HASH_SEQ_STATUS *scan)
{
	hash_seq_init(scan, supervised_databases);
}

static bool
is_listed(const char *database)
{
	char	   *list;
	List	   *names;
	ListCell   *cell;
	bool		listed = false;

	if (provision_databases == NULL || provision_databases[0] == '\0')
		return true;
	list = pstrdup(provision_databases);
	if (!SplitGUCList(list, ',', &names))
		return false;
	foreach(cell, names)
		listed = listed || strcmp(lfirst(cell), database) == 0;
	return listed;
}

static Supervised *
supervise(Oid database)
{
	bool		found;
	Supervised *supervised = hash_search(supervised_databases, &database, HASH_ENTER, &found);

	if (!found)
	{
		memset(supervised, 0, sizeof(*supervised));
		supervised->database = database;
		supervised->wanted = true;
		supervised->pause_ms = FIRST_PAUSE_MS;
	}
	return supervised;
}

int
provision_supervised_count_workers(const Supervised *supervised)
{
	int			count = 0;

	for (int i = 0; i < MAX_WORKERS; i++)
		count += supervised->handles[i] != NULL;
	return count;
}

static void
mark_all_as_gone(void)
{
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	provision_supervised_scan(&scan);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		supervised->exists = false;
}

static bool
counts(Form_pg_database database)
{
	return database->datallowconn && !database->datistemplate && database->datconnlimit != INVALID_DATABASE &&
		is_listed(NameStr(database->datname));
}

static void
forget_databases_that_are_gone(void)
{
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	provision_supervised_scan(&scan);
	while ((supervised = hash_seq_search(&scan)) != NULL)
	{
		if (!supervised->exists && provision_supervised_count_workers(supervised) == 0)
			hash_search(supervised_databases, &supervised->database, HASH_REMOVE, NULL);
	}
}

/* Names change and lists change: so whether a database counts is asked anew each time. */
void
provision_supervised_read_list(void)
{
	Relation	relation;
	TableScanDesc rows;
	HeapTuple	row;

	mark_all_as_gone();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	rows = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(row = heap_getnext(rows, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(row);

		if (counts(database))
			supervise(database->oid)->exists = true;
	}
	table_endscan(rows);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	forget_databases_that_are_gone();
}

static void
read_letter(const Letter *letter)
{
	Supervised *supervised = supervise(letter->database);

	supervised->settled = supervised->settled || letter->settled;
	supervised->left = supervised->left || letter->left;
	if (letter->asked_at_ms > 0)
	{
		supervised->wanted = true;
		supervised->asked_at_ms = letter->asked_at_ms;
		supervised->next_start_at_ms = 0;
	}
	if (supervised->asked_at_ms < letter->not_needed_at_ms)
		supervised->wanted = false;
}

/*
 * Mail may come from a database that is not in the list yet.  An overflowed
 * mailbox loses nothing: then every database counts as asked for.
 */
bool
provision_supervised_read_mail(void)
{
	Letter		mail[MAILBOX_SIZE];
	int			count = provision_shared_take_mail(mail);
	HASH_SEQ_STATUS scan;
	Supervised *supervised;

	for (int i = 0; i < count; i++)
		read_letter(&mail[i]);
	if (count >= 0)
		return count > 0;
	provision_supervised_scan(&scan);
	while ((supervised = hash_seq_search(&scan)) != NULL)
		supervised->wanted = true;
	return true;
}
