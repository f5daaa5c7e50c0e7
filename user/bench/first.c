/* The first program of a machine, for the boot benchmark: prints the processor's counter as its first output and exits.
 *
 * Its lines are "counter VALUE PER_SECOND" and "end". Under the emulator's instruction counting the counter stands for instructions
 * since reset: one a tick on x86-64; on ARM64 the counter runs at PER_SECOND and an instruction is a nanosecond. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	uint64_t value, per_second = 0;
#ifdef __x86_64__
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	value = (uint64_t)high << 32 | low;
#else
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value));
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(per_second));
#endif
	printf("counter %llu %llu\nend\n", (unsigned long long)value, (unsigned long long)per_second);
	fflush(stdout);
	/* As the first process of a Linux guest we must end the machine ourselves; elsewhere this fails and does nothing. */
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
