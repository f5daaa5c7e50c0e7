/* A program file of 24 MB, without a library: large.h. */
void _start(void);
#define LARGE_BYTES (24 << 20)
#include "large.h"
