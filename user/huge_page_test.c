/* Memory that wants huge pages (MADV_HUGEPAGE) behaves as any other, whatever is done to parts of it: unmapped, protected, moved,
 * discarded, forked and written on both sides, touched by several threads at once. Whether huge pages come is the machine's
 * choice; here it is what the memory holds that is looked at, and what /proc says of it.
 *
 *     huge_page_test fill MIB [wanted]     touches so much memory, which wants huge pages or does not say, and ends */
#include "check.h"
#include <pthread.h>
#include <sys/prctl.h>

#define MIB (1l << 20)
enum { PAGE = 4096, HUGE = 2 * MIB, BYTES = 8 * MIB, WORDS = PAGE / 8 };

static int advises;

/* Aligned, with a page before and behind that is nobody's. */
static char *map(void)
{
	char *region = mmap(NULL, BYTES + 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(region != MAP_FAILED);
	char *area = (char *)(((uintptr_t)region / HUGE + 1) * HUGE);
	CHECK(mmap(area, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
	CHECK_EQUAL(munmap(region, (size_t)(area - region)), 0);
	CHECK_EQUAL(munmap(area + BYTES, (size_t)(region + BYTES + 2 * HUGE - (area + BYTES))), 0);
	CHECK(!advises || madvise(area, BYTES, MADV_HUGEPAGE) == 0);
	return area;
}

static uint64_t value(long page, int turn)
{
	return (uint64_t)page * 0x9e3779b97f4a7c15u + (unsigned)turn;
}

/* Each page has a word of its own, at a place of its own. */
static uint64_t *word(char *area, long page)
{
	return (uint64_t *)(area + page * PAGE) + page * 7 % WORDS;
}

static void fill(char *area, long first, long end, int turn)
{
	for (long page = first; page < end; page++)
		*word(area, page) = value(page, turn);
}

static void check_filled(char *area, long first, long end, int turn)
{
	for (long page = first; page < end; page++)
		if (*word(area, page) != value(page, turn)) {
			fprintf(stderr, "page %ld holds 0x%llx in turn %d\n", page, (unsigned long long)*word(area, page), turn);
			exit(1);
		}
}

static void check_zero(char *area, long first, long end)
{
	for (uint64_t *at = (uint64_t *)(area + first * PAGE); at < (uint64_t *)(area + end * PAGE); at++)
		CHECK_EQUAL(*at, 0);
}

enum { PAGES = BYTES / PAGE, OF_HUGE = HUGE / PAGE };

static void whole(void)
{
	char *area = map();
	*word(area, 3) = value(3, 0);
	check_zero(area, 4, PAGES);
	check_filled(area, 3, 4, 0);
	fill(area, 0, PAGES, 1);
	check_filled(area, 0, PAGES, 1);
	/* All of it, and it comes again. */
	CHECK_EQUAL(madvise(area, BYTES, MADV_DONTNEED), 0);
	check_zero(area, OF_HUGE, OF_HUGE + 2);
	*word(area, 2 * OF_HUGE + 9) = 1;
	CHECK_EQUAL(munmap(area, BYTES), 0);
}

static void parts(void)
{
	char *area = map();
	fill(area, 0, PAGES, 2);
	/* One page in the middle of one, two that belong to different ones, and one and a half. */
	CHECK_EQUAL(munmap(area + 100 * PAGE, PAGE), 0);
	check_filled(area, 0, 100, 2);
	check_filled(area, 101, PAGES, 2);
	CHECK_EQUAL(madvise(area + (OF_HUGE - 1) * PAGE, 2 * PAGE, MADV_DONTNEED), 0);
	check_zero(area, OF_HUGE - 1, OF_HUGE + 1);
	check_filled(area, 101, OF_HUGE - 1, 2);
	check_filled(area, OF_HUGE + 1, PAGES, 2);
	CHECK_EQUAL(munmap(area + 2 * HUGE, HUGE + HUGE / 2), 0);
	check_filled(area, OF_HUGE + 1, 2 * OF_HUGE, 2);
	check_filled(area, 3 * OF_HUGE + OF_HUGE / 2, PAGES, 2);
	CHECK_EQUAL(munmap(area, BYTES), 0);

	area = map();
	fill(area, 0, PAGES, 3);
	CHECK_EQUAL(mprotect(area + 5 * PAGE, PAGE, PROT_READ), 0);
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_ERRNO(read(ends[0], area + 5 * PAGE, 1), EFAULT);
	CHECK_EQUAL(read(ends[0], area + 6 * PAGE + PAGE - 8, 1), 1);
	check_filled(area, 0, PAGES, 3);
	CHECK_EQUAL(mprotect(area, BYTES, PROT_NONE), 0);
	CHECK_EQUAL(mprotect(area, BYTES, PROT_READ | PROT_WRITE), 0);
	check_filled(area, 0, PAGES, 3);
	fill(area, 0, PAGES, 4);
	/* Moved to where its pages lie otherwise in huge ones, and longer. */
	char *moved = mremap(area, BYTES, BYTES + 3 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED);
	check_filled(moved, 0, PAGES, 4);
	check_zero(moved, PAGES, PAGES + 3);
	CHECK_EQUAL(munmap(moved, BYTES + 3 * PAGE), 0);
	close(ends[0]);
	close(ends[1]);
}

/* Both sides write, and see their own. */
static void forked(void)
{
	char *area = map();
	fill(area, 0, PAGES, 5);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		check_filled(area, 0, PAGES, 5);
		fill(area, 10, OF_HUGE + 10, 6);
		CHECK_EQUAL(munmap(area + 3 * HUGE, HUGE), 0);
		check_filled(area, 0, 10, 5);
		check_filled(area, 10, OF_HUGE + 10, 6);
		check_filled(area, OF_HUGE + 10, 3 * OF_HUGE, 5);
		pid_t grandchild = fork();
		CHECK(grandchild >= 0);
		if (grandchild == 0) {
			fill(area, 0, 3 * OF_HUGE, 8);
			check_filled(area, 0, 3 * OF_HUGE, 8);
			_exit(0);
		}
		CHECK_EXITS(grandchild, 0);
		check_filled(area, 10, OF_HUGE + 10, 6);
		_exit(0);
	}
	fill(area, OF_HUGE / 2, 2 * OF_HUGE, 7);
	CHECK_EXITS(child, 0);
	check_filled(area, 0, OF_HUGE / 2, 5);
	check_filled(area, OF_HUGE / 2, 2 * OF_HUGE, 7);
	check_filled(area, 2 * OF_HUGE, PAGES, 5);
	fill(area, 0, PAGES, 9);
	check_filled(area, 0, PAGES, 9);
	CHECK_EQUAL(munmap(area, BYTES), 0);
}

enum { THREADS = 4, ROUNDS = 24 };
static char *shared;
static pthread_barrier_t barrier;

/* All touch pages of the same huge ones at once; then each takes its own away while the others write on. */
static void *thread(void *argument)
{
	long number = (long)argument;
	for (int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (long page = number; page < PAGES; page += THREADS)
			*word(shared, page) = value(page, round);
		for (long page = number; page < PAGES; page += THREADS)
			CHECK_EQUAL(*word(shared, page), value(page, round));
		pthread_barrier_wait(&barrier);
		/* A page of the next one's huge page, which it writes to meanwhile. */
		long own = number * OF_HUGE + 40 + number, next = (number + 1) % THREADS * OF_HUGE + 60 + number;
		CHECK_EQUAL(madvise(shared + next * PAGE, PAGE, MADV_DONTNEED), 0);
		for (long page = own - 8; page < own + 8; page++)
			*word(shared, page) = value(page, round + 1000);
		CHECK_EQUAL(mprotect(shared + next * PAGE, PAGE, PROT_READ), 0);
		CHECK_EQUAL(*word(shared, next), 0);
		for (long page = own - 8; page < own + 8; page++)
			CHECK_EQUAL(*word(shared, page), value(page, round + 1000));
		pthread_barrier_wait(&barrier);
		if (number == 0) {
			CHECK_EQUAL(munmap(shared, BYTES), 0);
			shared = map();
		}
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[THREADS];
	shared = map();
	CHECK_EQUAL(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (long i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_create(&ids[i], NULL, thread, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_join(ids[i], NULL), 0);
	CHECK_EQUAL(munmap(shared, BYTES), 0);
}

/* Of what the kernel writes, and of what smaps and mincore say. */
static void seen(void)
{
	char *area = map();
	int zero = open("/dev/zero", O_RDONLY);
	memset(area, 1, BYTES);
	CHECK_EQUAL(read(zero, area + PAGE + 5, HUGE), HUGE);
	CHECK(area[PAGE + 4] == 1 && area[PAGE + 5] == 0 && area[PAGE + 5 + HUGE - 1] == 0 && area[PAGE + 5 + HUGE] == 1);
	static unsigned char residency[PAGES];
	CHECK_EQUAL(mincore(area, BYTES, residency), 0);
	for (int i = 0; i < PAGES; i++)
		CHECK(residency[i] & 1);
	FILE *file = fopen("/proc/self/smaps", "r");
	CHECK(file != NULL);
	char line[512];
	int is_it = 0, found = 0;
	while (fgets(line, sizeof line, file)) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			is_it = start == (unsigned long)area;
		long kib;
		if (is_it && sscanf(line, "Rss: %ld kB", &kib) == 1) {
			CHECK_EQUAL(kib, BYTES / 1024);
			found++;
		}
		if (is_it && sscanf(line, "AnonHugePages: %ld kB", &kib) == 1) {
			CHECK(kib >= 0 && kib <= BYTES / 1024 && kib % 2048 == 0);
			found++;
		}
		if (is_it && advises && strncmp(line, "VmFlags:", 8) == 0) {
			CHECK(strstr(line, " hg"));
			found++;
		}
	}
	fclose(file);
	CHECK_EQUAL(found, advises ? 3 : 2);
	if (advises) {
		CHECK_EQUAL(madvise(area, BYTES, MADV_NOHUGEPAGE), 0);
		CHECK_EQUAL(area[BYTES - 1], 1);
	}
	close(zero);
	CHECK_EQUAL(munmap(area, BYTES), 0);
}

/* A process may do without, and its children then do. */
static void refused(void)
{
	int was = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	CHECK(was >= 0);
	CHECK_ERRNO(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	CHECK_EQUAL(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
		parts();
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(prctl(PR_SET_THP_DISABLE, was, 0, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), was);
}

int main(int count, char **arguments)
{
	if (count >= 3) {
		size_t bytes = (size_t)atol(arguments[2]) << 20;
		char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(area != MAP_FAILED);
		if (count > 3)
			(void)madvise(area, bytes, MADV_HUGEPAGE);
		for (size_t at = 0; at < bytes; at += PAGE)
			area[at] = 1;
		return 0;
	}
	char *probe = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(probe != MAP_FAILED);
	advises = madvise(probe, PAGE, MADV_HUGEPAGE) == 0;
	CHECK(advises || errno == EINVAL);
	whole();
	parts();
	forked();
	threads();
	seen();
	refused();
	return 0;
}
