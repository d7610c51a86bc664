/*
 * actor.h
 *		Who acts, for whoever asks what an actor may do.
 */
#ifndef PROVISION_ACTOR_H
#define PROVISION_ACTOR_H

/* Settings of one transaction, made by provision_act_as(); empty: nobody is acted for. */
extern char *provision_acting_role;
extern char *provision_acting_user;
extern char *provision_acting_client;

#endif							/* PROVISION_ACTOR_H */
