/*
 * trouble.c
 *		Transactions that outlive trouble of the server.
 *
 * A full disk or a locked table must not end a worker: its calls in flight
 * would be lost, and each would look like a crash of its job. So such a
 * transaction is given up, as a whole, and made again later. What is not known
 * to pass by itself ends the process.
 */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "clock.h"
#include "store.h"
#include "trouble.h"

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 5000
#define COMPLAINT_INTERVAL_MS 60000

/* Memory that is lacking for long is got back by the end of the process. */
#define MAX_LACKS_OF_MEMORY 3

static Trouble untold;
static int	failures_in_a_row = 0;

static bool
may_pass(int sqlstate)
{
	static const int categories[] = {
		MAKE_SQLSTATE('2', '5', '0', '0', '0'), /* read-only */
		MAKE_SQLSTATE('4', '0', '0', '0', '0'), /* deadlock */
		MAKE_SQLSTATE('5', '3', '0', '0', '0'), /* disk, memory, connections */
		MAKE_SQLSTATE('5', '5', '0', '0', '0'), /* locks */
		MAKE_SQLSTATE('5', '7', '0', '0', '0'), /* somebody intervened */
		MAKE_SQLSTATE('5', '8', '0', '0', '0'), /* files */
	};

	if (sqlstate == ERRCODE_OUT_OF_MEMORY && failures_in_a_row >= MAX_LACKS_OF_MEMORY)
		return false;
	for (size_t i = 0; i < lengthof(categories); i++)
		if (ERRCODE_TO_CATEGORY(sqlstate) == categories[i])
			return true;
	return false;
}

static void
keep_message(const ErrorData *error)
{
	int			length = pg_mbcliplen(error->message, strlen(error->message), sizeof(untold.message) - 1);

	untold.count++;
	strlcpy(untold.sqlstate, unpack_sql_state(error->sqlerrcode), sizeof(untold.sqlstate));
	memcpy(untold.message, error->message, length);
	untold.message[length] = '\0';
}

static void
complain(const ErrorData *error)
{
	static int64 complained_at_ms = -COMPLAINT_INTERVAL_MS;

	if (provision_clock_ms() - complained_at_ms < COMPLAINT_INTERVAL_MS)
		return;
	complained_at_ms = provision_clock_ms();
	ereport(LOG,
			errcode(error->sqlerrcode),
			errmsg("could not run a round of the provision worker: %s", error->message),
			error->detail ? errdetail_internal("%s", error->detail) : 0,
			errhint("It is tried again until it succeeds. This is logged at most once a minute."));
}

/*
 * The error of the present transaction is dealt with, or passed on. An error
 * while or after it was committed leaves open whether it was, so it is not
 * made again.
 */
static void
give_up(void)
{
	ErrorData  *error = CopyErrorData();

	if (!IsTransactionState() || !may_pass(error->sqlerrcode))
		PG_RE_THROW();
	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	FlushErrorState();
	AbortCurrentTransaction();
	pgstat_report_activity(STATE_IDLE, NULL);
	RESUME_INTERRUPTS();
	failures_in_a_row++;
	keep_message(error);
	complain(error);
	FreeErrorData(error);
}

bool
provision_trouble_outlive(const char *activity, void (*work) (void *), void *argument)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool is_done = false;

	PG_TRY();
	{
		provision_store_begin(activity);
		work(argument);
		provision_store_commit();
		is_done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		give_up();
		MemoryContextSwitchTo(caller);
	}
	PG_END_TRY();
	if (is_done)
		failures_in_a_row = 0;
	return is_done;
}

int
provision_trouble_pause_ms(void)
{
	int			doublings = Min(Max(failures_in_a_row - 1, 0), 10);

	return Min(FIRST_PAUSE_MS << doublings, LONGEST_PAUSE_MS);
}

const Trouble *
provision_trouble_untold(void)
{
	return &untold;
}

void
provision_trouble_told(void)
{
	untold.count = 0;
}
