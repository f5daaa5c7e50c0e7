/* The limits of memory and the ways a stack grows: RLIMIT_DATA by brk, mmap and mprotect; RLIMIT_MEMLOCK; RLIMIT_STACK; the gap that stays
 * between a stack and what is mapped below it; MAP_GROWSDOWN; and mappings and files of 4 GiB of which little is used. */
#include "check.h"
#include <sys/resource.h>

enum { KIB = 1024, MIB = 1024 * KIB, PAGE = 4096 };
static const size_t GIB = 1024 * (size_t)MIB;

static void *map(size_t bytes, int rights, int flags) { return mmap(NULL, bytes, rights, flags | MAP_ANONYMOUS, -1, 0); }

static void limit(int resource, rlim_t soft)
{
	struct rlimit both;
	CHECK_EQUAL(getrlimit(resource, &both), 0);
	both.rlim_cur = soft < both.rlim_max ? soft : both.rlim_max;
	CHECK_EQUAL(setrlimit(resource, &both), 0);
}

/* Only private memory that may be written counts as data. */
static void check_data(void)
{
	char *readable = map(16 * MIB, PROT_READ, MAP_PRIVATE);
	CHECK(readable != MAP_FAILED);
	limit(RLIMIT_DATA, 8 * MIB);
	CHECK_ERRNO((long)map(16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), ENOMEM);
	CHECK_ERRNO(mprotect(readable, 16 * MIB, PROT_READ | PROT_WRITE), ENOMEM);
	CHECK_ERRNO((long)sbrk(16 * MIB), ENOMEM);
	CHECK(map(16 * MIB, PROT_READ, MAP_PRIVATE) != MAP_FAILED);
	CHECK(map(16 * MIB, PROT_NONE, MAP_PRIVATE) != MAP_FAILED);
	CHECK(map(16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED) != MAP_FAILED);
	/* What fits is given, and counts from then on. */
	char *some = map(4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK(some != MAP_FAILED);
	CHECK_ERRNO((long)map(5 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE), ENOMEM);
	CHECK_EQUAL(munmap(some, 4 * MIB), 0);
	CHECK(map(5 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED);
}

/* Who may lock whatever it likes gives that up first. */
static void check_locked(void)
{
	if (is_superuser())
		CHECK_EQUAL(setresgid(65534, 65534, 65534) | setresuid(65534, 65534, 65534), 0);
	if (has_capability(CAP_IPC_LOCK))
		return;
	char *pages = map(256 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK(pages != MAP_FAILED);
	limit(RLIMIT_MEMLOCK, 64 * KIB);
	CHECK_ERRNO(mlock(pages, 128 * KIB), ENOMEM);
	CHECK_EQUAL(mlock(pages, 32 * KIB), 0);
	CHECK_EQUAL(mlock(pages + 128 * KIB, 32 * KIB), 0);
	CHECK_ERRNO(mlock(pages + 64 * KIB, PAGE), ENOMEM);
	CHECK_EQUAL(munlock(pages, 32 * KIB), 0);
	CHECK_EQUAL(mlock(pages + 64 * KIB, PAGE), 0);
	CHECK_ERRNO((long)map(128 * KIB, PROT_READ, MAP_PRIVATE | MAP_LOCKED), EAGAIN);
	CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
	CHECK_EQUAL(munlockall(), 0);
	limit(RLIMIT_MEMLOCK, 0);
	CHECK_ERRNO(mlock(pages, PAGE), EPERM);
	CHECK_ERRNO(mlockall(MCL_CURRENT), EPERM);
	CHECK_ERRNO((long)map(PAGE, PROT_READ, MAP_PRIVATE | MAP_LOCKED), EPERM);
}

/* Where the area begins that holds an address. */
static unsigned long start_of_area(const void *address)
{
	char line[512];
	unsigned long start, end, found = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= (unsigned long)address && (unsigned long)address < end)
			found = start;
	fclose(maps);
	CHECK(found != 0);
	return found;
}

/* Whether a child may write there. */
static int can_touch(unsigned long address)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		*(volatile char *)address = 1;
		_exit(0);
	}
	int status = wait_status(child);
	CHECK(WIFEXITED(status) || WTERMSIG(status) == SIGSEGV);
	return WIFEXITED(status);
}

static void check_stack(void)
{
	int local = 0;
	/* As far as the limit says, in one leap; the area's upper end is within a page or some of the program's names and words. */
	unsigned long low = start_of_area(&local), here = (unsigned long)&local;
	limit(RLIMIT_STACK, 4 * MIB);
	CHECK(can_touch(here - 3 * MIB));
	CHECK(!can_touch(here - 5 * MIB));
	limit(RLIMIT_STACK, 2 * MIB);
	CHECK(can_touch(here - 1 * MIB));
	CHECK(!can_touch(here - 3 * MIB));
	CHECK_EQUAL(start_of_area(&local), low);
	/* What may be touched below it stays 1 MiB away; what may not does not matter. */
	limit(RLIMIT_STACK, 64 * MIB);
	struct rlimit both;
	CHECK_EQUAL(getrlimit(RLIMIT_STACK, &both), 0);
	if (both.rlim_cur < 8 * MIB)
		return;
	char *below = mmap((void *)(low - 4 * MIB - PAGE), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK_EQUAL((unsigned long)below, low - 4 * MIB - PAGE);
	CHECK(can_touch(low - 2 * MIB));
	CHECK(!can_touch(low - 4 * MIB + 512 * KIB));
	CHECK_EQUAL(mprotect(below, PAGE, PROT_NONE), 0);
	CHECK(can_touch(low - 4 * MIB + 512 * KIB));
	CHECK(!can_touch(low - 4 * MIB - PAGE));
	*(volatile char *)(low - 2 * MIB) = 1;
	CHECK_EQUAL(start_of_area(&local), low - 2 * MIB);
}

static void check_grows_down(void)
{
	/* A free place of 4 MiB, the area at its upper end. */
	char *place = map(4 * MIB, PROT_NONE, MAP_PRIVATE);
	CHECK(place != MAP_FAILED && munmap(place, 4 * MIB) == 0);
	char *at = place + 4 * MIB - 64 * KIB;
	CHECK(mmap(at, 64 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0) == at);
	at[0] = 1;
	at[-1] = 2;
	CHECK_EQUAL(start_of_area(at), (unsigned long)at - PAGE);
	at[-300 * KIB] = 3;
	CHECK_EQUAL(start_of_area(at), (unsigned long)at - 300 * KIB);
	CHECK(at[0] == 1 && at[-1] == 2 && at[-200 * KIB] == 0);
	/* Calls grow it as faults do. */
	int zeros = open("/dev/zero", O_RDONLY);
	CHECK(zeros >= 0);
	CHECK_EQUAL(read(zeros, at - 400 * KIB, 10), 10);
	CHECK_EQUAL(start_of_area(at), (unsigned long)at - 400 * KIB);
	/* It keeps its distance from what is below it. */
	CHECK(mmap(place, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
	CHECK(can_touch((unsigned long)place + PAGE + 2 * MIB));
	CHECK(!can_touch((unsigned long)place + 512 * KIB));
	CHECK_EQUAL(munmap(place, 4 * MIB) | close(zeros), 0);
}

static void check_sparse(void)
{
	enum { TOUCHED = 1000 };
	const size_t bytes = 4 * GIB;
	char *all = map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
	/* Under a strict policy of a host, or its limit of all memory, there is no such mapping. */
	if (all == MAP_FAILED) {
		CHECK_EQUAL(errno, ENOMEM);
		return;
	}
	(void)!madvise(all, bytes, MADV_NOHUGEPAGE);
	uint64_t random = 4711;
	for (int i = 0; i < TOUCHED; i++)
		*(uint64_t *)(all + next_random(&random) % (bytes / PAGE) * PAGE + 8) += i + 1;
	CHECK_EQUAL(munmap(all + GIB, 2 * GIB), 0);
	uint64_t sums[2] = { 0, 0 }, expected[2] = { 0, 0 };
	random = 4711;
	for (int i = 0; i < TOUCHED; i++) {
		size_t at = next_random(&random) % (bytes / PAGE) * PAGE;
		if (at >= GIB && at < 3 * GIB)
			continue;
		expected[at >= GIB] += i + 1;
		CHECK(*(uint64_t *)(all + at + 8) >= (uint64_t)i + 1 && *(uint64_t *)(all + at) == 0);
	}
	random = 4711;
	for (int i = 0; i < TOUCHED; i++) {
		size_t at = next_random(&random) % (bytes / PAGE) * PAGE;
		if (at >= GIB && at < 3 * GIB)
			continue;
		sums[at >= GIB] += *(uint64_t *)(all + at + 8);
		*(uint64_t *)(all + at + 8) = 0;
	}
	CHECK(sums[0] == expected[0] && sums[1] == expected[1]);
	CHECK_ERRNO(msync(all + 2 * GIB, PAGE, MS_ASYNC), ENOMEM);
	CHECK_EQUAL(munmap(all, bytes), 0);
}

static void check_sparse_file(void)
{
	struct rlimit size;
	CHECK_EQUAL(getrlimit(RLIMIT_FSIZE, &size), 0);
	if (size.rlim_cur < 5 * GIB)
		return;
	struct stat status;
	char word[8];
	int file = memfd_create("sparse", MFD_CLOEXEC);
	CHECK(file >= 0);
	CHECK_EQUAL(ftruncate(file, 4 * GIB + 100), 0);
	CHECK_EQUAL(pwrite(file, "far", 4, 3 * GIB + 5), 4);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK(status.st_size == (off_t)(4 * GIB + 100) && status.st_blocks > 0 && status.st_blocks < 16 * MIB / 512);
	CHECK_EQUAL(pread(file, word, 8, 2 * GIB), 8);
	CHECK(memcmp(word, "\0\0\0\0\0\0\0", 8) == 0);
	CHECK_EQUAL(pread(file, word, 8, 4 * GIB + 96), 4);
	off_t data = lseek(file, 0, SEEK_DATA);
	CHECK(data > 0 && data <= (off_t)(3 * GIB + 5) && data % PAGE == 0);
	CHECK(lseek(file, 3 * GIB + 5, SEEK_HOLE) < (off_t)(4 * GIB));
	char *view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4 * GIB);
	CHECK(view != MAP_FAILED);
	view[50] = 'v';
	CHECK_EQUAL(pread(file, word, 1, 4 * GIB + 50), 1);
	CHECK_EQUAL(word[0], 'v');
	CHECK_EQUAL(munmap(view, PAGE) | ftruncate(file, 3 * GIB + 7), 0);
	CHECK_EQUAL(pread(file, word, 8, 3 * GIB + 5), 2);
	CHECK(word[0] == 'f' && word[1] == 'a');
	CHECK_EQUAL(close(file), 0);
}

int main(void)
{
	in_child(check_data);
	in_child(check_locked);
	in_child(check_stack);
	in_child(check_grows_down);
	in_child(check_sparse);
	in_child(check_sparse_file);
	return 0;
}
