/*
 * module.c
 *		Entry point of the library.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "background.h"
#include "callers.h"
#include "server_facts.h"
#include "settings.h"
#include "shared.h"
#include "wakeup.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	provision_settings_define();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	provision_server_facts_note_start();
	provision_shared_request();
	provision_callers_request();
	provision_background_register_launcher();
	provision_wakeup_watch_drops();
}
