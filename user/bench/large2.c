/* A program file of 2 MB, without a library: large.h. */
void _start(void);
#define LARGE_BYTES (2 << 20)
#include "large.h"
