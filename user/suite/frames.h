/* What the kernel tells about page frames: which one a page has (Linux, to the superuser, in /proc/self/pagemap), or how many writes to
 * shared pages copied and how many did not (Ochre, in /proc/trace/counters). Where neither is to be had, answers -1. */
#ifndef FRAMES_H
#define FRAMES_H

#include "suite.h"

/* The frame number of the page at an address. */
static inline long frame_of(const void *address)
{
	uint64_t entry = 0;
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	ssize_t got = pread(file, &entry, 8, (off_t)((uintptr_t)address / 4096 * 8));
	close(file);
	long frame = (long)(entry & ((1ull << 55) - 1));
	return got == 8 && frame != 0 ? frame : -1;
}

/* A counter of the kernel by its name. Where there are counters, one of that name must be among them. */
static inline long counter(const char *name)
{
	char line[512];
	long value = -1;
	FILE *file = fopen("/proc/trace/counters", "r");
	if (!file)
		return -1;
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
			value = atol(line + strlen(name));
	fclose(file);
	CHECK(value >= 0);
	return value;
}

#endif
