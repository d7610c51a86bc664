/*
 * answer_seals.h
 *		Takes secrets out of answers before anybody else sees them.
 */
#ifndef PROVISION_ANSWER_SEALS_H
#define PROVISION_ANSWER_SEALS_H

#include "http_answer.h"

/*
 * For an answer with a note: a line "identity text{path.of.keys}" for each
 * secret that it should tell. Where it tells all of them they are sealed, and
 * the note becomes lines "identity sealed", in hexadecimal digits; otherwise
 * it becomes NULL. Of the body nothing is left but the fact that it was an
 * object, except where the server reports an error.
 */
extern void provision_answer_seal(HttpAnswer *answer);

#endif							/* PROVISION_ANSWER_SEALS_H */
