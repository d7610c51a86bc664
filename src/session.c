/*
 * session.c
 *		The settings under which the worker's statements run.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/guc.h"

#include "compat.h"
#include "session.h"

/*
 * What servers answer is passed to statements as parameters, which a
 * talkative server would write to its log.
 */
static void
keep_parameters_out_of_log(void)
{
	static const char name[] = "auto_explain.log_parameter_max_length";

	if (GetConfigOption(name, true, false) != NULL) /* loaded, and of a version that logs them */
		SetConfigOption(name, "0", PGC_SUSET, PGC_S_SESSION);
}

/*
 * Whatever the server, the database or the role have set, the worker's
 * statements must run.
 */
void
provision_session_prepare(void)
{
	static const char *const settings[][2] = {
		{"role", "none"},
		{"exit_on_error", "off"},	/* or an error of one job is the end of all */
		{"statement_timeout", "0"},
		{"lock_timeout", "500ms"},	/* shorter than deadlock_timeout: who waits for us need not be ended */
		{"idle_in_transaction_session_timeout", "0"},
		NO_TRANSACTION_TIMEOUT
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"session_replication_role", "origin"},
		{"row_security", "on"},
		{"plan_cache_mode", "force_generic_plan"},
		{"jit", "off"},
		{"max_parallel_workers_per_gather", "0"},
		{"DateStyle", "ISO"},
		{"IntervalStyle", "postgres"},
		{"client_min_messages", "error"},
		{"extra_float_digits", "1"},
		{"standard_conforming_strings", "on"},	/* or the regular expressions break */
		{"enable_indexscan", "on"},

		/*
		 * A round looks up some hundred rows by their keys, in tables that
		 * can be empty when a plan is made and huge before they are analyzed:
		 * index lookups are right at every size.
		 */
		{"enable_seqscan", "off"},
		{"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"},
	};

	for (size_t i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_SESSION);
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)	/* intent before act */
		SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_SESSION);
	keep_parameters_out_of_log();
}
