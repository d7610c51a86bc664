/*
 * settings.h
 *		The settings provision.*, as pg_settings shows them.
 */
#ifndef PROVISION_SETTINGS_H
#define PROVISION_SETTINGS_H

/* Events are sealed. */
extern bool provision_audit_chain;

/* Set by the functions that remove old history, and by superusers. */
extern bool provision_may_change_history;

/* Milliseconds. */
extern int	provision_connect_timeout;
extern int	provision_fair_spacing;
extern int	provision_http_timeout;

/* kB, after decompression. */
extern int	provision_max_body_size;

/* Seconds of waiting that one unit of priority is worth. */
extern int	provision_priority_aging;

/* Minutes. */
extern int	provision_retention;

/* Seconds in which the requests are counted. */
extern int	provision_request_window;

/* Counts. 0 requests: no limit. */
extern int	provision_actor_requests;
extern int	provision_address_requests;
extern int	provision_max_crashes;
extern int	provision_max_in_flight;
extern int	provision_tenant_requests;
extern int	provision_webhook_in_flight;
extern int	provision_workers;

/* NULL or empty: any host; see http_hosts.h. */
extern char *provision_allowed_hosts;

/* NULL or empty: none; see http_hosts.h. */
extern char *provision_webhook_allowed_hosts;

/* NULL or empty: the system's certificate authorities. */
extern char *provision_ca_file;

/* Where the keys of secrets are; the command goes first. NULL or empty: not there. */
extern char *provision_key_command;
extern char *provision_key_file;

/* Comma-separated names; empty: every database that has the extension. */
extern char *provision_databases;

extern void provision_settings_define(void);

#endif							/* PROVISION_SETTINGS_H */
