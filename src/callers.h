/*
 * callers.h
 *		Who calls how often: counted in shared memory, because a transaction
 *		that counts in a table would make others wait for its end, and one that
 *		is refused would not count at all. A worker keeps a copy in
 *		provision.caller.
 *
 * Where the library is not preloaded each session counts for itself.
 */
#ifndef PROVISION_CALLERS_H
#define PROVISION_CALLERS_H

#include "postgres.h"

/*
 * A window is cut into slices, and one more is kept: so every stretch of time
 * as long as the window is covered, and what is allowed in it is never
 * exceeded. Counted is up to one slice longer.
 */
#define WINDOW_SLICES 10
#define KEPT_SLICES (WINDOW_SLICES + 1)

typedef enum CallerKind
{
	CALLER_NONE,				/* the place is free */
	CALLER_TENANT,
	CALLER_ROLE,
	CALLER_USER,				/* for whom a role acts */
	CALLER_ADDRESS,
	CALLER_RECALLED				/* no caller: what the table kept of this database is here */
} CallerKind;

/* Times are milliseconds since 2000 by the wall clock, which outlives a restart. */
typedef struct Caller
{
	CallerKind	kind;
	Oid			database;
	char		name[NAMEDATALEN];
	int32		slice_ms;		/* length of a slice when it was counted */
	int32		offences;		/* how often it exceeded its limit, less what is forgiven */
	int64		slice;			/* number of the newest slice since 2000 */
	int64		waits_until_ms; /* after an offence; 0: none */
	int64		change;			/* grows with each change of any caller */
	int32		counts[KEPT_SLICES];	/* of slice n at n % KEPT_SLICES */
} Caller;

/* Why a call is refused. */
typedef struct Refusal
{
	CallerKind	kind;			/* CALLER_NONE: it is not */
	char		name[NAMEDATALEN];
	int			limit;
	int			counted;		/* requests in the window so far */
	int			offences;
	int64		wait_ms;		/* -1: waiting does not help, it asks for too much at once */
	bool		is_new;			/* an offence that was just committed; else it still waits for an earlier one */
} Refusal;

extern void provision_callers_request(void);

/* Any limit is set. */
extern bool provision_callers_are_limited(void);

/*
 * Counts one request for each of the names, or refuses all of them: callers
 * of which one may not go on are not counted. requests: how many each makes.
 */
extern Refusal provision_callers_count(int count, const CallerKind *kinds, char *const *names, const int *requests);

/* This database's callers, as the table has them, have been recalled since the server started. */
extern bool provision_callers_are_recalled(void);
extern void provision_callers_recall(const Caller *kept);
extern void provision_callers_set_recalled(void);

/*
 * Copies of this database's callers that were changed since, with the numbers
 * of their places; returns how many, palloc'ed.
 */
extern int	provision_callers_changed(int64 since, Caller **callers, int32 **places);

/* Whether there are any; cheap when nothing was counted. */
extern bool provision_callers_changed_since(int64 since);

/* When nothing more is known of a caller than of a stranger. */
extern int64 provision_callers_over_at_ms(const Caller *caller);

extern const char *provision_callers_kind_name(CallerKind kind);
extern CallerKind provision_callers_kind_named(const char *name);

#endif							/* PROVISION_CALLERS_H */
