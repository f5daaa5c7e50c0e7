/* System V semaphores: several operations at one moment, waiting, taking back at the end of a process, removal, rights. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int set;

static int operate(int number, int change, int flags)
{
	struct sembuf operation = { number, change, flags };
	return semop(set, &operation, 1);
}

static int value(int number)
{
	return semctl(set, number, GETVAL);
}

static void make(void)
{
	key_t key = 0x4f430000 + (getpid() & 0xffff);
	CHECK_ERRNO(semget(key, 1, 0), ENOENT);
	CHECK_ERRNO(semget(key, 0, IPC_CREAT | 0600), EINVAL);
	CHECK_ERRNO(semget(key, -1, IPC_CREAT | 0600), EINVAL);
	CHECK_ERRNO(semget(key, 1 << 20, IPC_CREAT | 0600), EINVAL);
	int id = semget(key, 3, IPC_CREAT | 0640);
	CHECK(id >= 0);
	CHECK_EQUAL(semget(key, 0, 0), id);
	CHECK_EQUAL(semget(key, 2, IPC_CREAT | 0600), id);
	CHECK_ERRNO(semget(key, 4, 0), EINVAL);
	CHECK_ERRNO(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	struct semid_ds status;
	CHECK_EQUAL(semctl(id, 0, IPC_STAT, (union semun){ .buf = &status }), 0);
	CHECK_EQUAL(status.sem_nsems, 3);
	CHECK_EQUAL(status.sem_perm.mode, 0640);
	CHECK_EQUAL(status.sem_perm.__key, key);
	CHECK_EQUAL(status.sem_perm.uid, geteuid());
	CHECK_EQUAL(status.sem_otime, 0);
	CHECK(status.sem_ctime > 0);
	status.sem_perm.mode = 0600;
	CHECK_EQUAL(semctl(id, 0, IPC_SET, (union semun){ .buf = &status }), 0);
	CHECK_EQUAL(semctl(id, 0, IPC_STAT, (union semun){ .buf = &status }), 0);
	CHECK_EQUAL(status.sem_perm.mode, 0600);
	CHECK_EQUAL(semctl(id, 0, IPC_RMID), 0);
	CHECK_ERRNO(semctl(id, 0, IPC_STAT, (union semun){ .buf = &status }), EINVAL);
	CHECK_ERRNO(semget(key, 1, 0), ENOENT);
	int again = semget(key, 1, IPC_CREAT | 0600);
	CHECK(again >= 0 && again != id);
	CHECK_EQUAL(semctl(again, 0, IPC_RMID), 0);
}

static void values(void)
{
	unsigned short three[3] = { 5, 6, 7 }, got[3];
	CHECK_EQUAL(semctl(set, 0, SETALL, (union semun){ .array = three }), 0);
	CHECK_EQUAL(semctl(set, 1, SETVAL, (union semun){ .val = 9 }), 0);
	CHECK_EQUAL(semctl(set, 0, GETALL, (union semun){ .array = got }), 0);
	CHECK(got[0] == 5 && got[1] == 9 && got[2] == 7);
	CHECK_EQUAL(semctl(set, 1, GETPID), getpid());
	CHECK_ERRNO(semctl(set, 3, GETVAL), EINVAL);
	CHECK_ERRNO(semctl(set, 1, SETVAL, (union semun){ .val = 40000 }), ERANGE);
	CHECK_ERRNO(semctl(set, 1, SETVAL, (union semun){ .val = -1 }), ERANGE);
	CHECK_ERRNO(semctl(set, 0, 77), EINVAL);
	CHECK_ERRNO(semctl(-1, 0, GETVAL), EINVAL);
	CHECK_EQUAL(operate(0, -5, 0), 0);
	CHECK_EQUAL(value(0), 0);
	CHECK_ERRNO(operate(0, -1, IPC_NOWAIT), EAGAIN);
	CHECK_ERRNO(operate(1, 0, IPC_NOWAIT), EAGAIN);
	CHECK_EQUAL(operate(0, 0, IPC_NOWAIT), 0);
	CHECK_ERRNO(operate(3, 1, 0), EFBIG);
	CHECK_ERRNO(operate(1, 32767, 0), ERANGE);
	/* All or nothing. */
	struct sembuf both[2] = { { 1, -3, IPC_NOWAIT }, { 2, -100, IPC_NOWAIT } };
	CHECK_ERRNO(semop(set, both, 2), EAGAIN);
	CHECK_EQUAL(value(1), 9);
	both[1].sem_op = -7;
	CHECK_EQUAL(semop(set, both, 2), 0);
	CHECK_EQUAL(value(1) * 10 + value(2), 60);
	struct sembuf same[3] = { { 0, 2, 0 }, { 0, -1, IPC_NOWAIT }, { 0, -1, IPC_NOWAIT } };
	CHECK_EQUAL(semop(set, same, 3), 0);
	CHECK_EQUAL(value(0), 0);
	CHECK_ERRNO(semop(set, same, 0), EINVAL);
	CHECK_ERRNO(semop(set, same, 1000), E2BIG);
	CHECK_ERRNO(semop(-1, same, 1), EINVAL);
	CHECK_ERRNO(semop(set, (struct sembuf *)8, 1), EFAULT);
	struct timespec soon = { 0, 20000000 }, bad = { 0, 2000000000 };
	both[0].sem_op = -100;
	both[0].sem_flg = 0;
	CHECK_ERRNO(semtimedop(set, both, 1, &soon), EAGAIN);
	CHECK_ERRNO(semtimedop(set, both, 1, &bad), EINVAL);
}

static void handle(int number)
{
	(void)number;
}

static void waiting(void)
{
	CHECK_EQUAL(semctl(set, 0, SETVAL, (union semun){ .val = 0 }), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(operate(0, -2, 0), 0);
		_exit(7);
	}
	while (semctl(set, 0, GETNCNT) != 1)
		sleep_ms(2);
	CHECK_EQUAL(semctl(set, 0, GETZCNT), 0);
	CHECK_EQUAL(operate(0, 1, 0), 0);
	sleep_ms(10);
	CHECK_EQUAL(waitpid(child, NULL, WNOHANG), 0);
	CHECK_EQUAL(operate(0, 1, 0), 0);
	CHECK_EXITS(child, 7);
	CHECK_EQUAL(value(0), 0);
	CHECK_EQUAL(semctl(set, 0, GETPID), child);
	/* For zero. */
	CHECK_EQUAL(semctl(set, 0, SETVAL, (union semun){ .val = 1 }), 0);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		struct sembuf operations[2] = { { 0, 0, 0 }, { 0, 5, 0 } };
		CHECK_EQUAL(semop(set, operations, 2), 0);
		_exit(0);
	}
	while (semctl(set, 0, GETZCNT) != 1)
		sleep_ms(2);
	CHECK_EQUAL(operate(0, -1, 0), 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(value(0), 5);
	/* A signal ends it, even with SA_RESTART. */
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
		CHECK_ERRNO(operate(0, -100, 0), EINTR);
		_exit(0);
	}
	while (semctl(set, 0, GETNCNT) != 1)
		sleep_ms(2);
	CHECK_EQUAL(kill(child, SIGUSR1), 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(semctl(set, 0, GETNCNT), 0);
}

static void taking_back(void)
{
	CHECK_EQUAL(semctl(set, 0, SETVAL, (union semun){ .val = 3 }), 0);
	CHECK_EQUAL(semctl(set, 1, SETVAL, (union semun){ .val = 0 }), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(operate(0, -2, SEM_UNDO), 0);
		CHECK_EQUAL(operate(1, 4, SEM_UNDO), 0);
		CHECK_EQUAL(operate(1, 1, 0), 0);
		pid_t grandchild = fork();
		if (grandchild == 0)
			_exit(0);
		CHECK_EXITS(grandchild, 0);
		CHECK_EQUAL(value(0), 1);
		for (;;)
			pause();
	}
	while (value(1) != 5)
		sleep_ms(2);
	CHECK_EQUAL(value(0), 1);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	CHECK_EQUAL(value(0), 3);
	CHECK_EQUAL(value(1), 1);
	/* What was set since is not taken back. */
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		CHECK_EQUAL(operate(0, -1, SEM_UNDO), 0);
		CHECK_EQUAL(semctl(set, 0, SETVAL, (union semun){ .val = 8 }), 0);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(value(0), 8);
}

/* Operations of one call that count on each other: each alone could be done, together they wait, and can be ended. */
static void together(void)
{
	CHECK_EQUAL(semctl(set, 0, SETVAL, (union semun){ .val = 5 }), 0);
	CHECK_EQUAL(semctl(set, 1, SETVAL, (union semun){ .val = 0 }), 0);
	struct sembuf twice[2] = { { 0, -3, 0 }, { 0, -3, 0 } }, both[2] = { { 0, -6, 0 }, { 1, -1, 0 } };
	for (int is_killed = 1; is_killed >= 0; is_killed--) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(semop(set, twice, 2), 0);
			_exit(0);
		}
		while (semctl(set, 0, GETNCNT) != 1)
			sleep_ms(2);
		CHECK_EQUAL(value(0), 5);
		if (is_killed) {
			CHECK_EQUAL(kill(child, SIGKILL), 0);
			CHECK_KILLED(child, SIGKILL);
			CHECK_EQUAL(semctl(set, 0, GETNCNT), 0);
		} else {
			CHECK_EQUAL(operate(0, 1, 0), 0);
			CHECK_EXITS(child, 0);
		}
	}
	CHECK_EQUAL(value(0), 0);
	/* What it waits for is counted where it waits, from one to the next. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(semop(set, both, 2), 0);
		_exit(0);
	}
	while (semctl(set, 0, GETNCNT) != 1)
		sleep_ms(2);
	CHECK_EQUAL(semctl(set, 1, GETNCNT), 0);
	CHECK_EQUAL(operate(0, 6, 0), 0);
	while (semctl(set, 1, GETNCNT) != 1)
		sleep_ms(2);
	CHECK_EQUAL(semctl(set, 0, GETNCNT), 0);
	CHECK_EQUAL(value(0), 6);
	CHECK_EQUAL(operate(1, 1, 0), 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(value(0) + value(1), 0);
}

static void removal(void)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_ERRNO(operate(0, -100, 0), EIDRM);
		_exit(0);
	}
	while (semctl(set, 0, GETNCNT) != 1)
		sleep_ms(2);
	if (is_superuser()) {
		pid_t other = fork();
		CHECK(other >= 0);
		if (other == 0) {
			struct semid_ds status;
			CHECK_EQUAL(setresgid(4321, 4321, 4321) | setresuid(4321, 4321, 4321), 0);
			CHECK_ERRNO(operate(0, 1, 0), EACCES);
			CHECK_ERRNO(value(0), EACCES);
			CHECK_ERRNO(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }), EACCES);
			CHECK_ERRNO(semctl(set, 0, IPC_RMID), EPERM);
			_exit(0);
		}
		CHECK_EXITS(other, 0);
	}
	CHECK_EQUAL(semctl(set, 0, IPC_RMID), 0);
	CHECK_EXITS(child, 0);
	CHECK_ERRNO(operate(0, 1, 0), EINVAL);
}

int main(void)
{
	make();
	set = semget(IPC_PRIVATE, 3, 0600);
	CHECK(set >= 0);
	values();
	waiting();
	taking_back();
	together();
	struct seminfo info;
	CHECK(semctl(0, 0, IPC_INFO, (union semun){ .info = &info }) >= 0);
	CHECK(info.semmsl >= 250 && info.semvmx == 32767);
	CHECK(semctl(0, 0, SEM_INFO, (union semun){ .info = &info }) >= 0);
	CHECK(info.semusz >= 1 && info.semaem >= 3);
	removal();
	return 0;
}
