/*
 * callers.c
 *		Counts requests of callers in a table of fixed size.
 *
 * A caller has its place in one bucket of a few places, which are looked
 * through one by one; when all are taken the least interesting caller is
 * forgotten. So memory and the time under the lock have a bound, whatever
 * names are given.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "callers.h"
#include "settings.h"

#define BUCKETS 512
#define BUCKET_PLACES 16
#define PLACES (BUCKETS * BUCKET_PLACES)

#define LONGEST_PENALTY_MS (60 * 60 * 1000)
#define MOST_DOUBLINGS 20

typedef struct CallerTable
{
	LWLock	   *lock;			/* NULL: the table of one process */
	int64		changes;
	Caller		callers[PLACES];
} CallerTable;

#define TRANCHE_NAME "provision callers"

static CallerTable *table = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(CallerTable)));
	RequestNamedLWLockTranche(TRANCHE_NAME, 1);
}

static void
attach_memory(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct(TRANCHE_NAME, sizeof(CallerTable), &found);
	if (!found)
	{
		memset(table, 0, sizeof(CallerTable));
		table->lock = &GetNamedLWLockTranche(TRANCHE_NAME)->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
provision_callers_request(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
}

static void
lock_table(LWLockMode mode)
{
	if (table == NULL)
		table = MemoryContextAllocZero(TopMemoryContext, sizeof(CallerTable));
	if (table->lock != NULL)
		LWLockAcquire(table->lock, mode);
}

static void
unlock_table(void)
{
	if (table->lock != NULL)
		LWLockRelease(table->lock);
}

static int
limit_of(CallerKind kind)
{
	switch (kind)
	{
		case CALLER_TENANT:
			return provision_tenant_requests;
		case CALLER_ROLE:
		case CALLER_USER:
			return provision_actor_requests;
		case CALLER_ADDRESS:
			return provision_address_requests;
		default:
			return 0;
	}
}

bool
provision_callers_are_limited(void)
{
	return provision_tenant_requests > 0 || provision_actor_requests > 0 || provision_address_requests > 0;
}

/* Never below zero, whatever the clock says: places of slices are reckoned from it. */
static int64
now_ms(void)
{
	return Max(GetCurrentTimestamp() / 1000, 0);
}

static int32
window_ms(void)
{
	return provision_request_window * 1000;
}

static int
counted(const Caller *caller)
{
	int			sum = 0;

	for (int i = 0; i < KEPT_SLICES; i++)
		sum += caller->counts[i];
	return sum;
}

/*
 * Empties the slices that are over. A clock that is a moment behind what
 * another process read counts for the newest slice. After the window was set
 * to another length, or the clock back, all is taken for just made.
 */
static void
move_on(Caller *caller, int64 now)
{
	int32		slice_ms = window_ms() / WINDOW_SLICES;
	int64		slice = now / slice_ms;

	if (caller->slice_ms != slice_ms || caller->slice > slice + WINDOW_SLICES)
	{
		int			sum = counted(caller);

		memset(caller->counts, 0, sizeof(caller->counts));
		caller->counts[slice % KEPT_SLICES] = sum;
		caller->slice_ms = slice_ms;
		caller->slice = slice;
	}
	for (int64 empty = Max(caller->slice + 1, slice - WINDOW_SLICES); empty <= slice; empty++)
		caller->counts[empty % KEPT_SLICES] = 0;
	caller->slice = Max(caller->slice, slice);
	caller->waits_until_ms = Min(caller->waits_until_ms, now + Max(LONGEST_PENALTY_MS, 2 * (int64) window_ms()));
}

/* Each window without an offence takes one away. */
static int
offences_left(const Caller *caller, int64 now)
{
	int64		forgiven = now > caller->waits_until_ms ? (now - caller->waits_until_ms) / window_ms() : 0;

	return (int) Max(caller->offences - forgiven, 0);
}

int64
provision_callers_over_at_ms(const Caller *caller)
{
	return Max((caller->slice + KEPT_SLICES) * caller->slice_ms,
			   caller->waits_until_ms + (int64) caller->offences * window_ms());
}

static Caller *
bucket_of(CallerKind kind, const char *name)
{
	uint64		seed = GetSystemIdentifier() ^ ((uint64) MyDatabaseId << 8) ^ kind;
	uint64		hash = hash_bytes_extended((const unsigned char *) name, strlen(name), seed);

	return &table->callers[(hash % BUCKETS) * BUCKET_PLACES];
}

static Caller *
find(CallerKind kind, const char *name)
{
	Caller	   *bucket = bucket_of(kind, name);

	for (int i = 0; i < BUCKET_PLACES; i++)
		if (bucket[i].kind == kind && bucket[i].database == MyDatabaseId && strcmp(bucket[i].name, name) == 0)
			return &bucket[i];
	return NULL;
}

/* The higher, the less is lost when it is forgotten; -1: it must stay. */
static int64
dispensability(const Caller *caller, int64 now)
{
	if (caller->kind == CALLER_NONE)
		return PG_INT64_MAX;
	if (caller->kind == CALLER_RECALLED || caller->waits_until_ms > now)
		return -1;
	if (provision_callers_over_at_ms(caller) <= now)
		return PG_INT64_MAX - 1;
	return PG_INT32_MAX - counted(caller);
}

/* NULL: everybody in the bucket waits because of an offence. */
static Caller *
find_or_place(CallerKind kind, const char *name, int64 now)
{
	Caller	   *bucket = bucket_of(kind, name);
	Caller	   *place = find(kind, name);

	if (place != NULL)
		return place;
	place = bucket;
	for (int i = 1; i < BUCKET_PLACES; i++)
		if (dispensability(&bucket[i], now) > dispensability(place, now))
			place = &bucket[i];
	if (dispensability(place, now) < 0)
		return NULL;
	memset(place, 0, sizeof(Caller));
	place->kind = kind;
	place->database = MyDatabaseId;
	strlcpy(place->name, name, NAMEDATALEN);
	return place;
}

/* How long until so many old requests are no longer counted that there is room for the new ones. */
static int64
time_until_room(const Caller *caller, int limit, int requests, int64 now)
{
	int			sum = counted(caller);
	int64		oldest = caller->slice - WINDOW_SLICES;

	for (; oldest <= caller->slice && sum + requests > limit; oldest++)
		sum -= caller->counts[oldest % KEPT_SLICES];
	return (oldest + WINDOW_SLICES) * caller->slice_ms - now;
}

/* The first offence costs what the limit demands, each further one twice as much as the one before, and a window. */
static void
note_offence(Caller *caller, int limit, int requests, int64 now)
{
	int64		room_ms = time_until_room(caller, limit, requests, now);
	int64		penalty_ms;

	caller->offences = offences_left(caller, now) + 1;
	penalty_ms = window_ms() * ((INT64CONST(1) << Min(caller->offences - 1, MOST_DOUBLINGS)) - 1);
	caller->waits_until_ms = now + Max(room_ms, Min(penalty_ms, LONGEST_PENALTY_MS));
	caller->change = ++table->changes;
}

/* The caller may make so many requests now, as far as it is concerned. */
static bool
is_admitted(CallerKind kind, const char *name, int requests, int64 now, Refusal *refusal)
{
	int			limit = limit_of(kind);
	Caller	   *caller = limit > 0 ? find(kind, name) : NULL;

	if (limit <= 0)
		return true;
	if (caller != NULL)
		move_on(caller, now);
	refusal->is_new = caller != NULL && caller->waits_until_ms <= now;
	if (requests <= limit && (caller == NULL || (refusal->is_new && counted(caller) + requests <= limit)))
		return true;
	refusal->kind = kind;
	strlcpy(refusal->name, name, NAMEDATALEN);
	refusal->limit = limit;
	refusal->counted = caller == NULL ? 0 : counted(caller);
	refusal->wait_ms = -1;
	if (requests > limit)
		return false;
	if (refusal->is_new)
		note_offence(caller, limit, requests, now);
	refusal->offences = caller->offences;
	refusal->wait_ms = caller->waits_until_ms - now;
	return false;
}

static void
add(CallerKind kind, const char *name, int requests, int64 now)
{
	Caller	   *caller = limit_of(kind) > 0 ? find_or_place(kind, name, now) : NULL;

	if (caller == NULL)
		return;
	move_on(caller, now);
	caller->counts[caller->slice % KEPT_SLICES] += requests;
	caller->change = ++table->changes;
}

Refusal
provision_callers_count(int count, const CallerKind *kinds, char *const *names, const int *requests)
{
	Refusal		refusal = {.kind = CALLER_NONE};
	int64		now;
	bool		is_free = true;

	lock_table(LW_EXCLUSIVE);
	now = now_ms();				/* in the order in which the lock is had */
	for (int i = 0; i < count && is_free; i++)
		is_free = is_admitted(kinds[i], names[i], requests[i], now, &refusal);
	for (int i = 0; i < count && is_free; i++)
		add(kinds[i], names[i], requests[i], now);
	unlock_table();
	return refusal;
}

static const char *const kind_names[] = {
	[CALLER_TENANT] = "tenant",[CALLER_ROLE] = "role",[CALLER_USER] = "user",[CALLER_ADDRESS] = "address"
};

const char *
provision_callers_kind_name(CallerKind kind)
{
	return kind_names[kind];
}

CallerKind
provision_callers_kind_named(const char *name)
{
	for (size_t kind = CALLER_TENANT; kind < lengthof(kind_names); kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return (CallerKind) kind;
	return CALLER_NONE;
}

bool
provision_callers_are_recalled(void)
{
	bool		are_recalled;

	lock_table(LW_SHARED);
	are_recalled = table->lock == NULL || find(CALLER_RECALLED, "") != NULL;
	unlock_table();
	return are_recalled;
}

/* What was counted since is newer than what was kept. */
void
provision_callers_recall(const Caller *kept)
{
	Caller	   *caller;

	lock_table(LW_EXCLUSIVE);
	if (find(kept->kind, kept->name) == NULL && (caller = find_or_place(kept->kind, kept->name, now_ms())) != NULL)
	{
		*caller = *kept;
		caller->database = MyDatabaseId;
		caller->change = ++table->changes;
	}
	unlock_table();
}

void
provision_callers_set_recalled(void)
{
	lock_table(LW_EXCLUSIVE);
	(void) find_or_place(CALLER_RECALLED, "", now_ms());
	unlock_table();
}

static bool
is_changed(const Caller *caller, int64 since)
{
	return caller->database == MyDatabaseId && caller->change > since;
}

bool
provision_callers_changed_since(int64 since)
{
	static int64 looked_at = 0;
	bool		are_changed = false;

	if (table == NULL || table->lock == NULL)
		return false;			/* nobody else's are here */
	lock_table(LW_SHARED);
	if (table->changes > Max(looked_at, since))
	{
		for (int i = 0; i < PLACES && !are_changed; i++)
			are_changed = is_changed(&table->callers[i], since);
		if (!are_changed)
			looked_at = table->changes;
	}
	unlock_table();
	return are_changed;
}

int
provision_callers_changed(int64 since, Caller **callers, int32 **places)
{
	int			count = 0;

	*callers = palloc(sizeof(Caller) * PLACES);
	*places = palloc(sizeof(int32) * PLACES);
	lock_table(LW_SHARED);
	for (int i = 0; i < PLACES; i++)
		if (is_changed(&table->callers[i], since))
		{
			(*callers)[count] = table->callers[i];
			(*places)[count++] = i;
		}
	unlock_table();
	return count;
}
