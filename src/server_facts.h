/*
 * server_facts.h
 *		How this server was started, which only its first moment tells.
 */
#ifndef PROVISION_SERVER_FACTS_H
#define PROVISION_SERVER_FACTS_H

/* For the postmaster, before recovery begins; its children inherit what it saw. */
extern void provision_server_facts_note_start(void);

#endif							/* PROVISION_SERVER_FACTS_H */
