/* System V shared memory: mapping, counting of mappings, where it goes, removal while it is mapped, rights. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

static struct shmid_ds status(int id)
{
	struct shmid_ds found;
	CHECK_EQUAL(shmctl(id, IPC_STAT, &found), 0);
	return found;
}

int main(void)
{
	key_t key = 0x4f450000 + (getpid() & 0xffff);
	CHECK_ERRNO(shmget(key, 4096, 0), ENOENT);
	CHECK_ERRNO(shmget(key, 0, IPC_CREAT | 0600), EINVAL);
	int id = shmget(key, 10000, IPC_CREAT | 0600);
	CHECK(id >= 0);
	CHECK_EQUAL(shmget(key, 0, 0), id);
	CHECK_EQUAL(shmget(key, 5000, 0), id);
	CHECK_ERRNO(shmget(key, 10001, 0), EINVAL);
	CHECK_ERRNO(shmget(key, 1, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_EQUAL(status(id).shm_segsz, 10000);
	CHECK_EQUAL(status(id).shm_nattch, 0);
	CHECK_EQUAL(status(id).shm_cpid, getpid());
	CHECK_EQUAL(status(id).shm_perm.mode, 0600);
	char *one = shmat(id, NULL, 0), *two = shmat(id, NULL, SHM_RDONLY);
	CHECK(one != (void *)-1 && two != (void *)-1 && one != two);
	CHECK_EQUAL(status(id).shm_nattch, 2);
	CHECK_EQUAL(status(id).shm_lpid, getpid());
	CHECK(status(id).shm_atime > 0);
	CHECK_EQUAL(one[9999], 0);
	strcpy(one + 5000, "shared");
	CHECK(strcmp(two + 5000, "shared") == 0);
	/* The read-only one is so for good. */
	CHECK_ERRNO(mprotect(two, 4096, PROT_READ | PROT_WRITE), EACCES);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(status(id).shm_nattch, 4);
		one[0] = 'c';
		*(volatile char *)two = 1;
		_exit(0);
	}
	CHECK_KILLED(child, SIGSEGV);
	CHECK_EQUAL(two[0], 'c');
	CHECK_EQUAL(status(id).shm_nattch, 2);
	/* Where it is told to go. */
	CHECK_EQUAL(shmdt(two), 0);
	CHECK_ERRNO(shmdt(two), EINVAL);
	CHECK_ERRNO(shmdt(two + 1), EINVAL);
	CHECK_ERRNO(shmdt(one + 4096), EINVAL);
	CHECK(shmat(id, two + 100, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmat(id, two + 100, SHM_RND) == two);
	CHECK(shmat(id, two, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmat(id, two, SHM_REMAP) == two);
	CHECK(shmat(id, NULL, SHM_REMAP) == (void *)-1 && errno == EINVAL);
	CHECK_EQUAL(status(id).shm_nattch, 2);
	two[1] = 'd';
	CHECK_EQUAL(one[1], 'd');
	/* In pieces: a hole in the middle makes two mappings, which go together. */
	CHECK_EQUAL(munmap(two + 4096, 4096), 0);
	CHECK_EQUAL(status(id).shm_nattch, 3);
	CHECK_EQUAL(shmdt(two), 0);
	CHECK_EQUAL(status(id).shm_nattch, 1);
	CHECK(status(id).shm_dtime > 0);
	CHECK_ERRNO(shmctl(id, 99, NULL), EINVAL);
	CHECK_ERRNO(shmctl(-1, IPC_STAT, NULL), EINVAL);
	if (is_superuser()) {
		CHECK((child = fork()) >= 0);
		if (child == 0) {
			CHECK_EQUAL(setresgid(4321, 4321, 4321) | setresuid(4321, 4321, 4321), 0);
			CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EACCES);
			CHECK(shmat(id, NULL, SHM_RDONLY) == (void *)-1 && errno == EACCES);
			CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM);
			CHECK_ERRNO(shmget(key, 0, 0600), EACCES);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
	/* Removed, it stays as long as it is mapped, and is found by number but not by key. */
	CHECK_EQUAL(shmctl(id, IPC_RMID, NULL), 0);
	CHECK_ERRNO(shmget(key, 0, 0), ENOENT);
	CHECK_EQUAL(status(id).shm_perm.mode & SHM_DEST, SHM_DEST);
	two = shmat(id, NULL, 0);
	CHECK(two != (void *)-1);
	CHECK_EQUAL(two[0], 'c');
	int other = shmget(key, 100, IPC_CREAT | 0600);
	CHECK(other >= 0 && other != id);
	CHECK_EQUAL(shmctl(other, IPC_RMID, NULL), 0);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		CHECK_EQUAL(shmdt(one) | shmdt(two), 0);
		_exit(one == two);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(shmdt(one), 0);
	CHECK_EQUAL(two[1], 'd');
	CHECK_EQUAL(shmdt(two), 0);
	struct shmid_ds gone;
	CHECK_ERRNO(shmctl(id, IPC_STAT, &gone), EINVAL);
	CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EINVAL);
	struct shminfo limits;
	CHECK(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
	CHECK_EQUAL(limits.shmmin, 1);
	return 0;
}
