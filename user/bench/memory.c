/* What memory costs: mapping, and first touches of anonymous memory, of a file's pages and of pages shared by fork. Lines as
 * measure.h says. Usage: memory [RUNS]. */
#define _GNU_SOURCE
#include "measure.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096
#define PAGES 2048

static void map_unmap(void)
{
	char *area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area != MAP_FAILED && munmap(area, 16 * PAGE) == 0, "mmap");
}

static char *protected_area;
static void protect(void)
{
	must(mprotect(protected_area + PAGE, PAGE, PROT_READ) == 0, "mprotect");
	must(mprotect(protected_area + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

static void touch(char *area, int pages, int is_write)
{
	for (int i = 0; i < pages; i++) {
		volatile char *place = area + (size_t)i * PAGE;
		if (is_write)
			*place = 1;
		else
			(void)*place;
	}
}

static void fault_anonymous(int pages)
{
	size_t bytes = (size_t)pages * PAGE;
	char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area != MAP_FAILED, "mmap");
	/* Small pages: what one fault costs is what is asked. */
	madvise(area, bytes, MADV_NOHUGEPAGE);
	touch(area, pages, 1);
	munmap(area, bytes);
}

/* As much as a program that only asks for memory gets: large pages where the kernel has them. */
static void fill_anonymous(int pages)
{
	size_t bytes = (size_t)pages * PAGE;
	char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area != MAP_FAILED, "mmap");
	touch(area, pages, 1);
	munmap(area, bytes);
}

static int file;
static void fault_file(int pages)
{
	size_t bytes = (size_t)pages * PAGE;
	char *area = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
	must(area != MAP_FAILED, "mmap");
	touch(area, pages, 0);
	munmap(area, bytes);
}

static char *common;
static void fault_cow(int pages)
{
	pid_t child = fork();
	if (child == 0) {
		touch(common, pages, 1);
		_exit(0);
	}
	reap(child);
}

int main(int count, char **arguments)
{
	bench_begin(count, arguments, 1);
	measure("map.unmap", map_unmap, 1000);
	protected_area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(protected_area != MAP_FAILED, "mmap");
	touch(protected_area, 3, 1);
	measure("map.protect", protect, 1000);
	measure_bulk("fault.anonymous", fault_anonymous, PAGES);
	measure_bulk("fill.anonymous", fill_anonymous, 4 * PAGES);
	mkdir("/tmp", 0777);
	file = open("/tmp/pages", O_CREAT | O_RDWR, 0600);
	must(file >= 0, "/tmp/pages");
	static char page[PAGE];
	for (int i = 0; i < PAGES; i++)
		must(write(file, page, PAGE) == PAGE, "write");
	measure_bulk("fault.file", fault_file, PAGES);
	common = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(common != MAP_FAILED, "mmap");
	madvise(common, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
	touch(common, PAGES, 1);
	measure_bulk("fault.cow", fault_cow, PAGES);
	return bench_end();
}
