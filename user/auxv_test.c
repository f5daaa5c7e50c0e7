/* The auxiliary vector and the start-up registers: page size, random bytes that differ from run to run, ids, entry, program headers. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

/* The value as the kernel left it on the stack: glibc's getauxval answers AT_HWCAP from a variable of its own on x86-64. */
static unsigned long raw_value(unsigned long type)
{
	char **end = environ;
	while (*end)
		end++;
	for (const Elf64_auxv_t *entry = (const Elf64_auxv_t *)(end + 1); entry->a_type != AT_NULL; entry++)
		if (entry->a_type == type)
			return entry->a_un.a_val;
	return 0;
}

int main(int count, char **arguments)
{
	unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
	CHECK(random != NULL);
	if (count == 2) {
		CHECK_EQUAL(write(atoi(arguments[1]), random, 16), 16);
		return 0;
	}
	CHECK_EQUAL(getauxval(AT_PAGESZ), 4096);
	CHECK_EQUAL(getauxval(AT_CLKTCK), 100);
	CHECK_EQUAL(getauxval(AT_UID), getuid());
	CHECK_EQUAL(getauxval(AT_EUID), geteuid());
	CHECK_EQUAL(getauxval(AT_GID), getgid());
	CHECK_EQUAL(getauxval(AT_SECURE), 0);
	CHECK_EQUAL(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
	CHECK(headers != NULL);
	int loads = 0;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += headers[i].p_type == PT_LOAD;
	CHECK(loads >= 1);
	CHECK(getauxval(AT_ENTRY) != 0);
	const char *name = (const char *)getauxval(AT_EXECFN);
	CHECK(name != NULL && strstr(name, "auxv_test") != NULL);
	const char *platform = (const char *)getauxval(AT_PLATFORM);
	CHECK(platform != NULL);
#ifdef __x86_64__
	CHECK(strcmp(platform, "x86_64") == 0);
	CHECK(raw_value(AT_HWCAP) & (1 << 26)); /* CPUID.1:EDX, SSE2 */
#else
	CHECK(strcmp(platform, "aarch64") == 0);
	CHECK((raw_value(AT_HWCAP) & 3) == 3); /* FP and ASIMD */
#endif
	unsigned char before[16] = { 0 }, now[16];
	for (int i = 0; i < 4; i++) {
		int ends[2];
		char number[8];
		CHECK_EQUAL(pipe(ends), 0);
		snprintf(number, sizeof number, "%d", ends[1]);
		pid_t child = fork();
		if (child == 0) {
			execl("/proc/self/exe", "auxv_test", number, NULL);
			_exit(1);
		}
		CHECK_EXITS(child, 0);
		CHECK_EQUAL(read(ends[0], now, 16), 16);
		CHECK(memcmp(before, now, 16) != 0);
		memcpy(before, now, 16);
		close(ends[0]), close(ends[1]);
	}
	return 0;
}
