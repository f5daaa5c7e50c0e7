/* Seals of memfds: which there are from the start, what each refuses, that a writable mapping prevents one, and that none is ever taken
 * back. */
#include "check.h"
#include <pthread.h>
#include <sched.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#endif
enum { SEAL = 1, SHRINK = 2, GROW = 4, WRITE_ = 8, FUTURE = 16, EXEC_ = 32, PAGE = 4096, RACES = 300 };
/* memfd_create's. */
enum { ALLOW = 2, NOEXEC = 8, EXECUTABLE = 16 };

static int make(unsigned flags, off_t bytes)
{
	int file = (int)syscall(SYS_memfd_create, "sealed", flags);
	CHECK(file >= 0);
	CHECK_EQUAL(ftruncate(file, bytes), 0);
	return file;
}

static int seals_of(int file)
{
	return fcntl(file, F_GET_SEALS);
}

static void seal(int file, int seals)
{
	int before = seals_of(file);
	CHECK_EQUAL(fcntl(file, F_ADD_SEALS, seals), 0);
	CHECK_EQUAL(seals_of(file), before | seals);
}

static void who_may(void)
{
	int file = make(0, PAGE), ends[2];
	CHECK_EQUAL(seals_of(file), SEAL);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, SHRINK), EPERM);
	CHECK_EQUAL(close(file), 0);
	file = make(ALLOW, PAGE);
	CHECK_EQUAL(seals_of(file), 0);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, 0x1000), EINVAL);
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	int reader = open(name, O_RDONLY);
	CHECK(reader >= 0);
	CHECK_ERRNO(fcntl(reader, F_ADD_SEALS, SHRINK), EPERM);
	seal(file, SHRINK);
	CHECK_EQUAL(seals_of(reader), SHRINK);
	seal(file, GROW);
	seal(file, SEAL);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, WRITE_), EPERM);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, 0), EPERM);
	CHECK_EQUAL(close(reader) | close(file), 0);
	/* What is no file in memory has none. */
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_ERRNO(seals_of(ends[0]), EINVAL);
	CHECK_ERRNO(fcntl(ends[1], F_ADD_SEALS, SHRINK), EINVAL);
	CHECK_EQUAL(close(ends[0]) | close(ends[1]), 0);
}

static void sizes(void)
{
	char bytes[2 * PAGE] = { 0 };
	int file = make(ALLOW, 2 * PAGE);
	seal(file, SHRINK);
	CHECK_ERRNO(ftruncate(file, PAGE), EPERM);
	CHECK_EQUAL(ftruncate(file, 2 * PAGE) | ftruncate(file, 3 * PAGE), 0);
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	CHECK_ERRNO(open(name, O_RDWR | O_TRUNC), EPERM);
	seal(file, GROW);
	CHECK_ERRNO(ftruncate(file, 4 * PAGE), EPERM);
	CHECK_EQUAL(ftruncate(file, 3 * PAGE), 0);
	CHECK_ERRNO(fallocate(file, 0, 0, 4 * PAGE), EPERM);
	CHECK_EQUAL(fallocate(file, 0, 0, 3 * PAGE), 0);
	CHECK_ERRNO(pwrite(file, bytes, 1, 3 * PAGE), EPERM);
	CHECK_EQUAL(pwrite(file, bytes, PAGE, 2 * PAGE), PAGE);
	/* What fits whole pages is written. */
	ssize_t written = pwrite(file, bytes, 2 * PAGE, 2 * PAGE);
	CHECK(written == PAGE || (written == -1 && errno == EPERM));
	struct stat facts;
	CHECK_EQUAL(fstat(file, &facts), 0);
	CHECK_EQUAL(facts.st_size, 3 * PAGE);
	CHECK_EQUAL(close(file), 0);
}

/* A mapping that can be read only, and never be made writable; kernels before 6.7 refuse it where all writing is. */
static void check_read_only(int file, int is_all)
{
	CHECK_ERRNO((intptr_t)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), EPERM);
	char *seen = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	if (seen == MAP_FAILED) {
		CHECK(is_all && errno == EPERM);
	} else {
		CHECK_EQUAL(seen[0], 'a');
		CHECK_ERRNO(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);
		CHECK_EQUAL(munmap(seen, PAGE), 0);
	}
	char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	CHECK(own != MAP_FAILED && own[0] == 'a');
	own[0] = 'p';
	CHECK_EQUAL(munmap(own, PAGE), 0);
	CHECK_ERRNO(pwrite(file, "b", 1, 0), EPERM);
	CHECK_ERRNO(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	CHECK_EQUAL(pwrite(file, "", 0, 0), 0);
	char byte;
	CHECK_EQUAL(pread(file, &byte, 1, 0), 1);
	CHECK_EQUAL(byte, 'a');
}

static void writes(void)
{
	int file = make(ALLOW, PAGE);
	CHECK_EQUAL(pwrite(file, "a", 1, 0), 1);
	char *mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(mapped != MAP_FAILED);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, WRITE_), EBUSY);
	CHECK_EQUAL(seals_of(file), 0);
	/* It counts as writable while it could be made so. */
	CHECK_EQUAL(mprotect(mapped, PAGE, PROT_READ), 0);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, WRITE_ | SHRINK), EBUSY);
	CHECK_EQUAL(seals_of(file), 0);
	/* A child's counts too. */
	int done[2];
	CHECK_EQUAL(pipe(done), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char byte;
		close(done[1]);
		_exit(read(done[0], &byte, 1) != 0);
	}
	CHECK_EQUAL(munmap(mapped, PAGE), 0);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, WRITE_), EBUSY);
	CHECK_EQUAL(close(done[0]) | close(done[1]), 0);
	CHECK_EXITS(child, 0);
	char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	CHECK(own != MAP_FAILED);
	seal(file, WRITE_);
	CHECK_EQUAL(munmap(own, PAGE), 0);
	check_read_only(file, 1);
	CHECK_EQUAL(ftruncate(file, 2 * PAGE) | ftruncate(file, PAGE), 0);
	CHECK_EQUAL(close(file), 0);

	/* Mappings that are there stay. */
	file = make(ALLOW, PAGE);
	CHECK_EQUAL(pwrite(file, "z", 1, 0), 1);
	mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(mapped != MAP_FAILED);
	seal(file, FUTURE);
	mapped[0] = 'a';
	check_read_only(file, 0);
	CHECK_EQUAL(munmap(mapped, PAGE) | close(file), 0);
}

static void execution(void)
{
	int file = (int)syscall(SYS_memfd_create, "sealed", NOEXEC);
	struct stat facts;
	if (file < 0) {
		CHECK_EQUAL(errno, EINVAL);
		return;
	}
	CHECK_EQUAL(seals_of(file), EXEC_);
	CHECK_EQUAL(fstat(file, &facts), 0);
	CHECK_EQUAL(facts.st_mode & 07777, 0666);
	CHECK_ERRNO(fchmod(file, 0766), EPERM);
	CHECK_EQUAL(fchmod(file, 0644), 0);
	CHECK_EQUAL(close(file), 0);
	CHECK_ERRNO(syscall(SYS_memfd_create, "sealed", NOEXEC | EXECUTABLE), EINVAL);
	/* What can be executed and stays so cannot be written. */
	file = (int)syscall(SYS_memfd_create, "sealed", ALLOW | EXECUTABLE);
	if (file < 0)
		/* A system may allow none that can be executed. */
		return;
	CHECK_EQUAL(fcntl(file, F_ADD_SEALS, EXEC_), 0);
	if (fstat(file, &facts) == 0 && facts.st_mode & 0111)
		CHECK_EQUAL(seals_of(file), EXEC_ | SHRINK | GROW | WRITE_ | FUTURE);
	CHECK_EQUAL(close(file), 0);
}

static int raced;
static volatile int is_over;

/* Maps to write whenever that is allowed, and writes; and has children that inherit it. */
static void *map_and_write(void *argument)
{
	(void)argument;
	while (!is_over) {
		int file = __atomic_load_n(&raced, __ATOMIC_ACQUIRE);
		volatile char *mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (mapped == MAP_FAILED) {
			CHECK_EQUAL(errno, EPERM);
			sched_yield();
			continue;
		}
		mapped[0]++;
		CHECK_EQUAL(munmap((void *)mapped, PAGE), 0);
	}
	return NULL;
}

/* When sealing has succeeded, nobody writes any more. */
static void race(void)
{
	pthread_t threads[2];
	int files[2] = { make(ALLOW, PAGE), make(ALLOW, PAGE) };
	raced = files[0];
	for (int i = 0; i < 2; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, map_and_write, NULL), 0);
	for (int round = 0; round < RACES; round++) {
		int file = files[round % 2];
		while (fcntl(file, F_ADD_SEALS, WRITE_) != 0)
			CHECK_EQUAL(errno, EBUSY);
		char before, after;
		CHECK_EQUAL(pread(file, &before, 1, 0), 1);
		sched_yield();
		CHECK_EQUAL(pread(file, &after, 1, 0), 1);
		CHECK_EQUAL(after, before);
		/* The number of the other is theirs until this one's is used again. */
		int fresh = make(ALLOW, PAGE);
		__atomic_store_n(&raced, files[(round + 1) % 2], __ATOMIC_RELEASE);
		CHECK_EQUAL(dup2(fresh, file), file);
		CHECK_EQUAL(close(fresh), 0);
	}
	is_over = 1;
	for (int i = 0; i < 2; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EQUAL(close(files[0]) | close(files[1]), 0);
}

int main(void)
{
	/* Where a system makes all of them so that they cannot be executed, other seals are there from the start. */
	FILE *setting = fopen("/proc/sys/vm/memfd_noexec", "r");
	int is_usual = !setting || fgetc(setting) == '0';
	if (setting)
		fclose(setting);
	if (!is_usual)
		return 0;
	who_may();
	sizes();
	writes();
	execution();
	race();
	return 0;
}
