# strace: the calls of a program, of its children, counted, and one that fails by injection.
set -eu
cd /tmp
strace -o strace_log cat /etc/hostname > /dev/null
grep -q '^execve("/usr/bin/cat"\|^execve("/bin/cat"' strace_log
grep -q '^openat(AT_FDCWD, "/etc/hostname", O_RDONLY' strace_log
grep -q '^+++ exited with 0 +++$' strace_log
strace -f -o strace_log sh -c 'ls /nowhere; exit 7' 2> /dev/null || test $? = 7
grep -q 'ENOENT' strace_log
grep -q 'exited with 7' strace_log
strace -c -o strace_log true
grep -q '100.00' strace_log
strace -e trace=none -e inject=getppid:error=EPERM true
