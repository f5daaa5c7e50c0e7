/* Floating-point and vector state belongs to each thread: several processes compute side by side and agree with themselves. */
#include "check.h"

static double work(double seed)
{
	double sum = seed;
	for (int i = 1; i < 200000; i++)
		sum = sum * 0.999999 + 1.0 / (i + seed);
	return sum;
}

int main(void)
{
	pid_t children[6];
	for (int c = 0; c < 6; c++) {
		children[c] = fork();
		CHECK(children[c] >= 0);
		if (children[c] == 0) {
			double first = work(c + 1);
			for (int i = 0; i < 8; i++)
				if (work(c + 1) != first)
					_exit(1);
			_exit(0);
		}
	}
	for (int c = 0; c < 6; c++)
		CHECK_EXITS(children[c], 0);
	return 0;
}
