/* A program of 24 MiB starts like one of 2 MiB: nothing of it is read but what runs. Told by the faults that it takes, by what of it is in
 * memory, and roughly by time. */
#include "check.h"
#include <elf.h>
#include <limits.h>
#include <sys/resource.h>

enum { SMALL = 2 << 20, LARGE = 24 << 20, PAGE = 4096, ROUNDS = 20 };

/* A copy of this program with so many bytes more, mapped behind it by what was its note. */
static void make(const char *path, size_t bytes)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_EXCL | O_RDWR, 0755);
	CHECK(from >= 0 && to >= 0);
	ssize_t got;
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		CHECK_EQUAL(write(to, buffer, (size_t)got), got);
	CHECK_EQUAL(got, 0);
	off_t end = (lseek(to, 0, SEEK_END) + PAGE - 1) / PAGE * PAGE;
	memset(buffer, 0x5a, sizeof buffer);
	for (size_t done = 0; done < bytes; done += sizeof buffer)
		CHECK_EQUAL(pwrite(to, buffer, sizeof buffer, end + (off_t)done), (ssize_t)sizeof buffer);
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	CHECK_EQUAL(pread(to, &header, sizeof header, 0), (ssize_t)sizeof header);
	off_t place = 0;
	uint64_t highest = 0;
	for (int i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)header.e_phoff + i * (off_t)sizeof segment;
		CHECK_EQUAL(pread(to, &segment, sizeof segment, at), (ssize_t)sizeof segment);
		if (segment.p_type == PT_NOTE)
			place = at;
		if (segment.p_type == PT_LOAD && segment.p_vaddr + segment.p_memsz > highest)
			highest = segment.p_vaddr + segment.p_memsz;
	}
	CHECK(place != 0);
	/* Loads must rise in address, so it goes far up. */
	segment = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = (Elf64_Off)end, .p_vaddr = (highest + (64 << 20)) & -0x10000ul,
		.p_filesz = bytes, .p_memsz = bytes, .p_align = PAGE };
	segment.p_paddr = segment.p_vaddr;
	CHECK_EQUAL(pwrite(to, &segment, sizeof segment, place), (ssize_t)sizeof segment);
	CHECK_EQUAL(close(from), 0);
	CHECK_EQUAL(close(to), 0);
}

/* Runs it: page faults in `faults`; answers nanoseconds. */
static int64_t run(const char *path, long *faults)
{
	struct rusage before, after;
	CHECK_EQUAL(getrusage(RUSAGE_CHILDREN, &before), 0);
	int64_t start = now_ns();
	pid_t child = vfork();
	CHECK(child >= 0);
	if (child == 0) {
		execl(path, path, "end", NULL);
		_exit(255);
	}
	CHECK_EXITS(child, 7);
	int64_t time = now_ns() - start;
	CHECK_EQUAL(getrusage(RUSAGE_CHILDREN, &after), 0);
	*faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
	return time;
}

int main(int count, char **arguments)
{
	if (count == 2 && strcmp(arguments[1], "end") == 0) {
		struct rusage usage;
		CHECK_EQUAL(getrusage(RUSAGE_SELF, &usage), 0);
		/* Of 24 MiB less than a tenth is in memory, code and stack included. */
		CHECK(usage.ru_maxrss < 2400);
		return 7;
	}
	char directory[] = "/tmp/exec_large_XXXXXX", small[64], large[64];
	CHECK(mkdtemp(directory) != NULL);
	snprintf(small, sizeof small, "%s/small", directory);
	snprintf(large, sizeof large, "%s/large", directory);
	make(small, SMALL);
	make(large, LARGE);
	int64_t small_ns = INT64_MAX, large_ns = INT64_MAX;
	long small_faults = LONG_MAX, large_faults = LONG_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		long faults;
		int64_t time = run(small, &faults);
		small_ns = time < small_ns ? time : small_ns;
		small_faults = faults < small_faults ? faults : small_faults;
		time = run(large, &faults);
		large_ns = time < large_ns ? time : large_ns;
		large_faults = faults < large_faults ? faults : large_faults;
	}
	if (count > 1)
		printf("2 MiB: %lld ns, %ld faults; 24 MiB: %lld ns, %ld faults\n", (long long)small_ns, small_faults,
			(long long)large_ns, large_faults);
	CHECK(large_faults <= small_faults + small_faults / 5 + 4);
	/* The bar is 1.2; a machine that does much else gets some room. */
	CHECK(large_ns < 2 * small_ns);
	CHECK_EQUAL(unlink(small), 0);
	CHECK_EQUAL(unlink(large), 0);
	CHECK_EQUAL(rmdir(directory), 0);
	return 0;
}
