/*
 * settings.c
 *		Definition of every setting, in alphabetical order, from three tables.
 *
 * All can be changed with a reload: the launcher and the workers read them
 * when they need them. Only who acts, and whether history may be changed,
 * belong to a transaction.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "actor.h"
#include "http_hosts.h"
#include "keeper.h"
#include "settings.h"

bool		provision_audit_chain = false;
bool		provision_may_change_history = false;
int			provision_actor_requests = 0;
int			provision_address_requests = 0;
int			provision_connect_timeout = 5000;
int			provision_fair_spacing = 60;
int			provision_http_timeout = 30000;
int			provision_max_body_size = 8192;
int			provision_max_crashes = 8;
int			provision_max_in_flight = 100;
int			provision_priority_aging = 300;
int			provision_request_window = 60;
int			provision_retention = 90 * 24 * 60;
int			provision_tenant_requests = 0;
int			provision_webhook_in_flight = 50;
int			provision_workers = 1;
char	   *provision_allowed_hosts = NULL;
char	   *provision_ca_file = NULL;
char	   *provision_databases = NULL;
char	   *provision_key_command = NULL;
char	   *provision_key_file = NULL;
char	   *provision_webhook_allowed_hosts = NULL;

typedef struct SwitchSetting
{
	const char *name;
	const char *description;
	const char *detail;
	bool	   *value;
	GucContext	context;
	int			flags;
} SwitchSetting;

typedef struct NumberSetting
{
	const char *name;
	const char *description;
	const char *detail;
	int		   *value;
	int			minimum;
	int			maximum;
	int			flags;
} NumberSetting;

typedef struct TextSetting
{
	const char *name;
	const char *description;
	const char *detail;
	char	  **value;
	const char *fallback;
	int			flags;
	GucContext	context;
	GucStringCheckHook check;
} TextSetting;

/* Made by provision_act_as(). RESET ALL does not end it, and no file can set it. */
#define OF_TRANSACTION (GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | GUC_NO_RESET_ALL | GUC_NOT_WHILE_SEC_REST)

static const SwitchSetting switch_settings[] = {
	{"provision.audit_chain", "Events are sealed with a chain of hashes.",
	"provision_audit_verify() checks it.", &provision_audit_chain, PGC_SIGHUP, 0},
	{"provision.may_change_history", "Events and their seals can be changed and removed.",
	"Set by the functions that remove old history.", &provision_may_change_history, PGC_SUSET,
	GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE},
};

static const NumberSetting number_settings[] = {
	{"provision.actor_requests", "Requests to start or change work that one user or role may make within provision.request_window.",
	"0: no limit. Platform administrators have none, unless they act for somebody.", &provision_actor_requests, 0, 1000000, 0},
	{"provision.address_requests", "Requests to start or change work that may come from one network address within provision.request_window.",
	"0: no limit.", &provision_address_requests, 0, 1000000, 0},
	{"provision.connect_timeout", "Time limit for reaching a server: name resolution, connect and TLS handshake.",
	"An engine's connect_timeout_ms goes before it.", &provision_connect_timeout, 1, 600000, GUC_UNIT_MS},
	{"provision.fair_spacing", "How much later a job queues for each job of its tenant that waits already.",
	"Divided by the weight of the tenant's plan. 0: jobs queue as they come, whosoever they are.",
	&provision_fair_spacing, 0, 86400, GUC_UNIT_S},
	{"provision.http_timeout", "Time limit of a call whose effort is not listed in provision.effort.",
	NULL, &provision_http_timeout, 1, 3600000, GUC_UNIT_MS},
	{"provision.max_body_size", "Largest answer that is read, after decompression.",
	"A larger one fails its step with ANSWER_TOO_LARGE.", &provision_max_body_size, 1, 262144, GUC_UNIT_KB},
	{"provision.max_crashes", "Worker crashes in a row, with a job in flight, after which the job is quarantined.",
	"An answer that is recorded sets the count back.", &provision_max_crashes, 1, 1000, 0},
	{"provision.max_in_flight", "Calls one worker has in flight at once.",
	"Each engine's max_concurrent bounds its own share.", &provision_max_in_flight, 1, 10000, 0},
	{"provision.priority_aging", "Waiting time that one unit of priority is worth.",
	"A job of one priority less runs before newer ones after this time, so none starves.",
	&provision_priority_aging, 1, 86400, GUC_UNIT_S},
	{"provision.request_window", "Time over which requests of tenants, actors and addresses are counted.",
	NULL, &provision_request_window, 1, 86400, GUC_UNIT_S},
	{"provision.retention", "How long calls, events and ended jobs are kept.",
	"The newest job of each tenant and workflow is kept longer, and so are those that made what still stands.",
	&provision_retention, 60, INT_MAX, GUC_UNIT_MIN},
	{"provision.tenant_requests", "Requests to start or change work that may be made for one tenant within provision.request_window.",
	"0: no limit.", &provision_tenant_requests, 0, 1000000, 0},
	{"provision.webhook_in_flight", "Deliveries to webhooks that all workers of a database have in flight at once.",
	"They are no calls of jobs: provision.max_in_flight does not count them.", &provision_webhook_in_flight, 1, 1000, 0},
	{"provision.workers", "Workers in each database.",
	NULL, &provision_workers, 1, 64, 0},
};

static bool
check_allowed_hosts(char **value, void **extra, GucSource source)
{
	const char *wrong;
	size_t		length;

	if (provision_http_hosts_check(*value, &wrong, &length))
		return true;
	GUC_check_errdetail("\"%.*s\" is no host name, address or network.", (int) Min(length, 100), wrong);
	GUC_check_errhint("For example: erp.example.com, *.example.com:8443, 10.0.0.0/8, [2001:db8::1]:8000.");
	return false;
}

/* A list that cannot be read would name no database, and end all workers. */
static bool
check_databases(char **value, void **extra, GucSource source)
{
	char	   *list = pstrdup(*value);
	List	   *names;
	bool		is_readable = SplitGUCList(list, ',', &names);

	if (!is_readable)
	{
		GUC_check_errdetail("List syntax is invalid.");
		GUC_check_errhint("For example: erp, \"My database\".");
	}
	list_free(names);
	pfree(list);
	return is_readable;
}

static const TextSetting text_settings[] = {
	{"provision.acting_client", "Network address of the user for whom this transaction acts.",
	"Set by provision_act_as().", &provision_acting_client, "", OF_TRANSACTION, PGC_SUSET},
	{"provision.acting_role", "Role that asked for what a worker does now.",
	"Set by the worker when a schedule is due. Empty: the role of the session acts.", &provision_acting_role, "", OF_TRANSACTION, PGC_SUSET},
	{"provision.acting_user", "User for whom this transaction acts.",
	"Set by provision_act_as(). Empty: the role of the session acts for itself.", &provision_acting_user, "", OF_TRANSACTION, PGC_SUSET},
	{"provision.allowed_hosts", "Hosts that engines may have, separated by commas.",
	"Names, *.example.com, addresses and networks, perhaps with a port. Empty: any host.",
	&provision_allowed_hosts, "", 0, PGC_SIGHUP, check_allowed_hosts},
	{"provision.ca_file", "PEM file of the certificate authorities that are trusted.",
	"Empty: the system's. An engine's ca_file goes before it.", &provision_ca_file, "", 0, PGC_SIGHUP},
	{"provision.databases", "Databases in which workers run, separated by commas.",
	"Empty: every database that has the extension.", &provision_databases, "", 0, PGC_SIGHUP, check_databases},
	{"provision.key_command", "Command that prints the keys with which secrets are sealed.",
	"An absolute path and arguments, run without a shell. It goes before provision.key_file.",
	&provision_key_command, "", GUC_SUPERUSER_ONLY, PGC_SIGHUP},
	{"provision.key_file", "File of the keys with which secrets are sealed.",
	"Its first key seals. The file in the data directory that this names by default is made when it is needed.",
	&provision_key_file, OWN_KEY_FILE, GUC_SUPERUSER_ONLY, PGC_SIGHUP},
	{"provision.webhook_allowed_hosts", "Hosts to which webhooks may lead although they are not public, and by plain http, separated by commas.",
	"Written as in provision.allowed_hosts. Empty: webhooks go to public addresses by https alone.",
	&provision_webhook_allowed_hosts, "", 0, PGC_SIGHUP, check_allowed_hosts},
};

void
provision_settings_define(void)
{
	for (size_t i = 0; i < lengthof(switch_settings); i++)
	{
		const SwitchSetting *setting = &switch_settings[i];

		DefineCustomBoolVariable(setting->name, setting->description, setting->detail, setting->value,
								 *setting->value, setting->context, setting->flags, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(number_settings); i++)
	{
		const NumberSetting *setting = &number_settings[i];

		DefineCustomIntVariable(setting->name, setting->description, setting->detail,
								setting->value, *setting->value, setting->minimum, setting->maximum,
								PGC_SIGHUP, setting->flags, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(text_settings); i++)
	{
		const TextSetting *setting = &text_settings[i];

		DefineCustomStringVariable(setting->name, setting->description, setting->detail,
								   setting->value, setting->fallback, setting->context, setting->flags, setting->check, NULL, NULL);
	}
	MarkGUCPrefixReserved("provision");		/* a name that is mistyped is not taken for another setting */
}

/*
 * A number setting in its own unit, so that SQL need not parse "5min".
 */
PG_FUNCTION_INFO_V1(provision_setting_number);
Datum
provision_setting_number(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (size_t i = 0; i < lengthof(number_settings); i++)
		if (strcmp(number_settings[i].name, name) == 0)
			PG_RETURN_INT32(*number_settings[i].value);
	elog(ERROR, "setting \"%s\" is not a number setting of provision", name);
}
