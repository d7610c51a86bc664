/*
 * shared.c
 *		The launcher's mailbox.
 *
 * Holds no pointer of one process: the launcher is known by its number in
 * the array of PGPROCs.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "clock.h"
#include "compat.h"
#include "shared.h"

typedef struct Mailbox
{
	LWLock	   *lock;
	int			launcher_pid;
	bool		overflowed;
	bool		lacks_processes;
	int			count;
	Letter		mail[MAILBOX_SIZE];
} Mailbox;

#define TRANCHE_NAME "provision"

int64		provision_shared_began_at_ms = 0;

static Mailbox *mailbox = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Mailbox)));
	RequestNamedLWLockTranche(TRANCHE_NAME, 1);
}

static void
attach_memory(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	mailbox = ShmemInitStruct("provision mailbox", sizeof(Mailbox), &found);
	if (!found)
	{
		memset(mailbox, 0, sizeof(Mailbox));
		mailbox->lock = &GetNamedLWLockTranche(TRANCHE_NAME)->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
provision_shared_request(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
}

bool
provision_shared_exists(void)
{
	return mailbox != NULL;
}

/* NULL: the mailbox is full. */
static Letter *
letter_of(Oid database)
{
	int			i = 0;

	while (i < mailbox->count && mailbox->mail[i].database != database)
		i++;
	if (i == MAILBOX_SIZE)
		return NULL;
	if (i == mailbox->count)
	{
		memset(&mailbox->mail[i], 0, sizeof(Letter));
		mailbox->mail[i].database = database;
		mailbox->count++;
	}
	return &mailbox->mail[i];
}

static void
put_news(News news)
{
	Letter	   *letter = letter_of(MyDatabaseId);

	if (letter == NULL)
	{
		mailbox->overflowed = true;
		return;
	}
	if (news == ASKED_FOR)
		letter->asked_at_ms = provision_clock_ms();
	else if (news == NOT_NEEDED)
		letter->not_needed_at_ms = provision_shared_began_at_ms;
	letter->settled = letter->settled || news == SETTLED;
	letter->left = letter->left || news == LEFT;
}

static void
wake_process(int pid)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
		if (ProcGlobal->allProcs[i].pid == pid)
			SetLatch(&ProcGlobal->allProcs[i].procLatch);
}

void
provision_shared_tell(News news)
{
	int			launcher_pid;

	if (mailbox == NULL)
		return;
	LWLockAcquire(mailbox->lock, LW_EXCLUSIVE);
	put_news(news);
	launcher_pid = mailbox->launcher_pid;
	LWLockRelease(mailbox->lock);
	if (launcher_pid != 0)
		wake_process(launcher_pid);
}

void
provision_shared_note_processes(bool are_lacking)
{
	LWLockAcquire(mailbox->lock, LW_EXCLUSIVE);
	mailbox->lacks_processes = are_lacking;
	LWLockRelease(mailbox->lock);
}

bool
provision_shared_lacks_processes(void)
{
	bool		are_lacking;

	if (mailbox == NULL)
		return false;
	LWLockAcquire(mailbox->lock, LW_SHARED);
	are_lacking = mailbox->lacks_processes;
	LWLockRelease(mailbox->lock);
	return are_lacking;
}

void
provision_shared_open_mailbox(void)
{
	LWLockAcquire(mailbox->lock, LW_EXCLUSIVE);
	mailbox->launcher_pid = MyProcPid;
	LWLockRelease(mailbox->lock);
}

int
provision_shared_take_mail(Letter mail[MAILBOX_SIZE])
{
	int			count;

	LWLockAcquire(mailbox->lock, LW_EXCLUSIVE);
	count = mailbox->overflowed ? -1 : mailbox->count;
	memcpy(mail, mailbox->mail, sizeof(mailbox->mail));
	mailbox->count = 0;
	mailbox->overflowed = false;
	LWLockRelease(mailbox->lock);
	return count;
}
