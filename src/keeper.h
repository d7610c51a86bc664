/*
 * keeper.h
 *		The keys of this server, found by its settings.
 *
 * A backend loads them for one statement. The worker keeps them, notices when
 * they change, and looks again from time to time while jobs wait for one.
 */
#ifndef PROVISION_KEEPER_H
#define PROVISION_KEEPER_H

#include "postgres.h"

#include "key_source.h"

/* The key file that is made when it is needed and not there; in the data directory. */
#define OWN_KEY_FILE "provision.key"

/* Keys come from a command, which is not run just to have a look. */
extern bool provision_keeper_has_command(void);

/* The key file is the one we made, beside the data. */
extern bool provision_keeper_has_own_file(void);

/*
 * Loads the keys; NULL, and a sentence in problem, when there are none. To be
 * given to provision_key_ring_free. Patience is asked while a command runs.
 */
extern KeyRing *provision_keeper_load(KeyPatience patience, char problem[KEY_PROBLEM_SIZE]);

/* Makes the key file of our own when it is not there; an error when it cannot be. */
extern void provision_keeper_make_own_file(void);

/*
 * For the worker, outside of transactions. True when a round should be made:
 * the keys have changed, or it is time to see who waits for one. A command
 * that gives them is run here, and patience is asked meanwhile; when it ends,
 * the keys stay as they were. Afterwards the latch is set, because whatever
 * set it meanwhile was not looked at.
 */
extern bool provision_keeper_refresh(KeyPatience patience);

/* The settings may have changed, or a command may answer otherwise now. */
extern void provision_keeper_expire(void);

/* In how many milliseconds refresh wants to be called; -1: when something happens. */
extern long provision_keeper_wait_ms(void);

/* The keys have changed since the last call of this function. */
extern bool provision_keeper_take_change(void);

/* The round that took it was given up. */
extern void provision_keeper_repeat(void);

/* Whether jobs wait for a key. */
extern void provision_keeper_note_waiting(bool some_wait);

/*
 * Opens into a buffer of at least length bytes. False, and why in problem,
 * when it cannot be opened with the keys there are now.
 */
extern bool provision_keeper_open(const char *identity, const unsigned char *sealed, size_t length,
								  unsigned char *plain, size_t *plain_length, char problem[KEY_PROBLEM_SIZE]);

/* False, and why in problem, when nothing could be sealed now. */
extern bool provision_keeper_can_seal(char problem[KEY_PROBLEM_SIZE]);

/*
 * Seals for an identity, into at most SECRET_MAX_OVERHEAD bytes more. False
 * without a key, memory or random numbers.
 */
extern bool provision_keeper_seal(const char *identity, const void *plain, size_t length,
								  unsigned char *sealed, size_t *sealed_length);

/* Opens with other keys; ring may be NULL, then missing says why. */
extern bool provision_keeper_open_with(KeyRing *ring, const char *missing, const char *identity,
									   const unsigned char *sealed, size_t length,
									   unsigned char *plain, size_t *plain_length, char problem[KEY_PROBLEM_SIZE]);

#endif							/* PROVISION_KEEPER_H */
