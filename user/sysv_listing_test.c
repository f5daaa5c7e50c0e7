/* /proc/sysvipc: a line for each message queue, set of semaphores and segment of memory, with the same figures as the calls tell. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { MOST = 20 };

/* The numbers of an object's line; answers how many there are, 0 without such a line. Permissions come as octal digits. */
static int line_of(const char *path, int id, long long numbers[MOST])
{
	char line[512];
	FILE *file = fopen(path, "r");
	CHECK(file != NULL);
	CHECK(fgets(line, sizeof line, file) && strstr(line, " perms "));
	int found = 0;
	while (!found && fgets(line, sizeof line, file)) {
		char *at = line, *end;
		int count = 0;
		for (; count < MOST; count++, at = end) {
			numbers[count] = strtoll(at, &end, 10);
			if (end == at)
				break;
		}
		if (count > 2 && numbers[1] == id)
			found = count;
	}
	fclose(file);
	return found;
}

int main(void)
{
	long long n[MOST];
	int queue = msgget(IPC_PRIVATE, 0640), set = semget(IPC_PRIVATE, 5, 0600), segment = shmget(IPC_PRIVATE, 10000, 0604);
	CHECK(queue >= 0 && set >= 0 && segment >= 0);
	struct { long type; char text[10]; } message = { 1, "0123456789" };
	CHECK_EQUAL(msgsnd(queue, &message, 10, 0) | msgsnd(queue, &message, 7, 0), 0);
	CHECK_EQUAL(line_of("/proc/sysvipc/msg", queue, n), 14);
	CHECK(n[0] == 0 && n[2] == 640 && n[3] == 17 && n[4] == 2 && n[5] == getpid() && n[6] == 0);
	CHECK(n[7] == geteuid() && n[8] == getegid() && n[9] == geteuid() && n[10] == getegid());
	CHECK(n[11] > 0 && n[12] == 0 && n[13] > 0);
	CHECK_EQUAL(line_of("/proc/sysvipc/sem", set, n), 10);
	CHECK(n[2] == 600 && n[3] == 5 && n[4] == geteuid() && n[8] == 0 && n[9] > 0);
	char *there = shmat(segment, NULL, 0);
	CHECK(there != (void *)-1);
	there[0] = 1;
	CHECK_EQUAL(line_of("/proc/sysvipc/shm", segment, n), 16);
	CHECK(n[2] == 604 && n[3] == 10000 && n[4] == getpid() && n[5] == getpid() && n[6] == 1 && n[7] == geteuid());
	CHECK(n[11] > 0 && n[12] == 0 && n[13] > 0 && n[14] >= 4096);
	/* Removed, but mapped: told with its mark. */
	CHECK_EQUAL(msgctl(queue, IPC_RMID, NULL) | semctl(set, 0, IPC_RMID) | shmctl(segment, IPC_RMID, NULL), 0);
	CHECK_EQUAL(line_of("/proc/sysvipc/msg", queue, n), 0);
	CHECK_EQUAL(line_of("/proc/sysvipc/sem", set, n), 0);
	CHECK_EQUAL(line_of("/proc/sysvipc/shm", segment, n), 16);
	CHECK_EQUAL(n[2], 1604);
	CHECK_EQUAL(shmdt(there), 0);
	CHECK_EQUAL(line_of("/proc/sysvipc/shm", segment, n), 0);
	return 0;
}
