/* The kernel's shared library in every program: it is there and well-formed, its functions agree with the calls, refuse what the calls
 * refuse, and never go back, within a thread, between threads on different processors, and across fork and exec. */
#include "check.h"
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/time.h>

#if defined(__x86_64__)
#define NAME(name) "__vdso_" name
#define VERSION "LINUX_2.6"
#else
#define NAME(name) "__kernel_" name
#define VERSION "LINUX_2.6.39"
#endif

static int (*get_time)(clockid_t, struct timespec *);
static int (*get_resolution)(clockid_t, struct timespec *);
static int (*get_day)(struct timeval *, void *);

static const char *base;
static const Elf64_Sym *symbols;
static const char *strings;
static const uint16_t *versions;
static const uint32_t *hash, *gnu;
static const Elf64_Verdef *definitions;

/* Through DT_HASH if there is one (Linux leaves it out on some architectures), else through DT_GNU_HASH. */
static unsigned count_symbols(void)
{
	if (hash)
		return hash[1];
	const uint32_t *buckets = gnu + 4 + 2 * gnu[2], *chain = buckets + gnu[0];
	unsigned last = 0;
	for (unsigned index = 0; index < gnu[0]; index++)
		last = buckets[index] > last ? buckets[index] : last;
	while (last && !(chain[last - gnu[1]] & 1))
		last++;
	return last + 1;
}

static const void *find(const char *name)
{
	for (unsigned index = 1; index < count_symbols(); index++) {
		if (strcmp(strings + symbols[index].st_name, name) || symbols[index].st_shndx == SHN_UNDEF)
			continue;
		const Elf64_Verdef *definition = definitions;
		while (definition->vd_ndx != (versions[index] & 0x7fff)) {
			CHECK(definition->vd_next != 0);
			definition = (const void *)((const char *)definition + definition->vd_next);
		}
		const Elf64_Verdaux *version = (const void *)((const char *)definition + definition->vd_aux);
		CHECK(strcmp(strings + version->vda_name, VERSION) == 0);
		return base + symbols[index].st_value;
	}
	return NULL;
}

static void open_library(void)
{
	base = (const char *)getauxval(AT_SYSINFO_EHDR);
	CHECK(base != NULL);
	const Elf64_Ehdr *header = (const void *)base;
	CHECK(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0);
	CHECK_EQUAL(header->e_type, ET_DYN);
	const Elf64_Phdr *part = (const void *)(base + header->e_phoff);
	const Elf64_Dyn *dynamic = NULL;
	int has_frames = 0;
	for (int index = 0; index < header->e_phnum; index++) {
		if (part[index].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + part[index].p_offset);
		has_frames |= part[index].p_type == PT_GNU_EH_FRAME;
	}
	CHECK(dynamic && has_frames);
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *at = base + dynamic->d_un.d_ptr;
		switch (dynamic->d_tag) {
		case DT_SYMTAB: symbols = at; break;
		case DT_STRTAB: strings = at; break;
		case DT_VERSYM: versions = at; break;
		case DT_VERDEF: definitions = at; break;
		case DT_HASH: hash = at; break;
		case DT_GNU_HASH: gnu = at; break;
		}
	}
	CHECK(symbols && strings && versions && definitions && (hash || gnu));
	get_time = (int (*)(clockid_t, struct timespec *))find(NAME("clock_gettime"));
	get_resolution = (int (*)(clockid_t, struct timespec *))find(NAME("clock_getres"));
	get_day = (int (*)(struct timeval *, void *))find(NAME("gettimeofday"));
	CHECK(get_time && get_resolution && get_day);
	CHECK(find("there_is_no_such_function") == NULL);
}

static int64_t ns(struct timespec time)
{
	CHECK(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* The library's time lies between two of the call's; coarse clocks may be a tick behind. */
static void agrees(clockid_t clock, int64_t tick)
{
	for (int round = 0; round < 2000; round++) {
		struct timespec before, between, after;
		CHECK_EQUAL(syscall(SYS_clock_gettime, clock, &before), 0);
		CHECK_EQUAL(get_time(clock, &between), 0);
		CHECK_EQUAL(syscall(SYS_clock_gettime, clock, &after), 0);
		CHECK(ns(before) - tick <= ns(between) && ns(between) <= ns(after) + tick);
	}
	struct timespec one, other;
	CHECK_EQUAL(syscall(SYS_clock_getres, clock, &one), 0);
	CHECK_EQUAL(get_resolution(clock, &other), 0);
	CHECK_EQUAL(ns(one), ns(other));
	CHECK_EQUAL(get_resolution(clock, NULL), 0);
}

static void other_functions(void)
{
	struct timespec time;
	CHECK_EQUAL(get_time(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
	CHECK_EQUAL(get_time(CLOCK_THREAD_CPUTIME_ID, &time), 0);
	CHECK_EQUAL(get_time(12345, &time), -EINVAL);
	CHECK_EQUAL(get_time(15, &time), -EINVAL);
	CHECK_EQUAL(get_resolution(-1, &time), -EINVAL);
	struct timeval before, between, after;
	struct timezone zone = { 77, 77 };
	for (int round = 0; round < 1000; round++) {
		CHECK_EQUAL(syscall(SYS_gettimeofday, &before, NULL), 0);
		CHECK_EQUAL(get_day(&between, &zone), 0);
		CHECK_EQUAL(syscall(SYS_gettimeofday, &after, NULL), 0);
		CHECK(between.tv_usec >= 0 && between.tv_usec < 1000000);
		CHECK(!timercmp(&between, &before, <) && !timercmp(&after, &between, <));
	}
	CHECK_EQUAL(zone.tz_minuteswest, 0);
	CHECK_EQUAL(get_day(NULL, NULL), 0);
#if defined(__x86_64__)
	time_t (*get_seconds)(time_t *) = (time_t (*)(time_t *))find(NAME("time"));
	int (*get_cpu)(unsigned *, unsigned *, void *) = (int (*)(unsigned *, unsigned *, void *))find(NAME("getcpu"));
	CHECK(get_seconds && get_cpu);
	time_t first = time.tv_sec = syscall(SYS_time, NULL), stored = 0, second = get_seconds(&stored);
	CHECK(first <= second && second == stored && second <= syscall(SYS_time, NULL));
	cpu_set_t all, one;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		unsigned found = 99, node = 99;
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one); CPU_SET(cpu, &one);
		CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
		CHECK_EQUAL(get_cpu(&found, &node, NULL), 0);
		CHECK_EQUAL(found, cpu);
		CHECK_EQUAL(node, 0);
		CHECK_EQUAL(get_cpu(NULL, NULL, NULL), 0);
	}
	CHECK_EQUAL(sched_setaffinity(0, sizeof all, &all), 0);
#endif
}

/* Threads pass the time on from one to the next: nobody may see an earlier one than was passed. */
static int64_t passed;

static void *pass_on(void *unused)
{
	cpu_set_t all, one;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	int cpu = 0;
	for (int round = 0; round < 20000; round++) {
		struct timespec time;
		int64_t before = __atomic_load_n(&passed, __ATOMIC_SEQ_CST);
		CHECK_EQUAL(get_time(CLOCK_MONOTONIC, &time), 0);
		int64_t now = ns(time);
		CHECK(now >= before);
		while (before < now && !__atomic_compare_exchange_n(&passed, &before, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		if (round % 500 == 0) {
			do
				cpu = (cpu + 1) % CPU_SETSIZE;
			while (!CPU_ISSET(cpu, &all));
			CPU_ZERO(&one); CPU_SET(cpu, &one);
			CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
		}
	}
	return unused;
}

static void shown_in_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int has_code = 0, has_data = 0;
	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps)) {
		unsigned long start, end;
		char rights[5];
		CHECK_EQUAL(sscanf(line, "%lx-%lx %4s", &start, &end, rights), 3);
		if (strstr(line, "[vdso]")) {
			CHECK_EQUAL(start, (unsigned long)base);
			CHECK(strcmp(rights, "r-xp") == 0);
			has_code = 1;
		}
		if (strstr(line, "[vvar]")) {
			CHECK(strcmp(rights, "r--p") == 0);
			has_data = 1;
		}
	}
	fclose(maps);
	CHECK(has_code && has_data);
	/* Nobody may make it writable for others: a write is refused or stays this program's own. */
	pid_t child = fork();
	if (child == 0) {
		*(volatile char *)base = 1;
		_exit(0);
	}
	CHECK_KILLED(child, SIGSEGV);
}

int main(int argc, char **argv)
{
	(void)argv;
	open_library();
	agrees(CLOCK_REALTIME, 0);
	agrees(CLOCK_MONOTONIC, 0);
	if (argc > 1)
		return 0;
	agrees(CLOCK_BOOTTIME, 0);
	agrees(CLOCK_TAI, 0);
	agrees(CLOCK_MONOTONIC_RAW, 0);
	agrees(CLOCK_REALTIME_COARSE, 10000000);
	agrees(CLOCK_MONOTONIC_COARSE, 10000000);
	other_functions();
	shown_in_maps();
	pthread_t threads[4];
	for (int index = 0; index < 4; index++)
		CHECK_EQUAL(pthread_create(&threads[index], NULL, pass_on, NULL), 0);
	for (int index = 0; index < 4; index++)
		CHECK_EQUAL(pthread_join(threads[index], NULL), 0);
	pid_t child = fork();
	if (child == 0) {
		agrees(CLOCK_MONOTONIC, 0);
		execl("/proc/self/exe", "vdso_test", "again", NULL);
		_exit(9);
	}
	CHECK_EXITS(child, 0);
	return 0;
}
