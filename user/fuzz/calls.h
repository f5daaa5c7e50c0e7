/* Generated from kernel/src/syscall/table/ by `xtask docs`; do not edit. Each call's arguments, a letter each (see syscall_fuzz.c). */
#ifdef SYS_accept
CALL(SYS_accept, "accept", "fpp")
#endif
#ifdef SYS_accept4
CALL(SYS_accept4, "accept4", "fppo")
#endif
#ifdef SYS_access
CALL(SYS_access, "access", "si")
#endif
#ifdef SYS_adjtimex
CALL(SYS_adjtimex, "adjtimex", "p")
#endif
#ifdef SYS_alarm
CALL(SYS_alarm, "alarm", "i")
#endif
#ifdef SYS_arch_prctl
CALL(SYS_arch_prctl, "arch_prctl", "ii")
#endif
#ifdef SYS_bind
CALL(SYS_bind, "bind", "fpz")
#endif
#ifdef SYS_brk
CALL(SYS_brk, "brk", "p")
#endif
#ifdef SYS_capget
CALL(SYS_capget, "capget", "pp")
#endif
#ifdef SYS_capset
CALL(SYS_capset, "capset", "pp")
#endif
#ifdef SYS_chdir
CALL(SYS_chdir, "chdir", "s")
#endif
#ifdef SYS_chmod
CALL(SYS_chmod, "chmod", "so")
#endif
#ifdef SYS_chown
CALL(SYS_chown, "chown", "sii")
#endif
#ifdef SYS_chroot
CALL(SYS_chroot, "chroot", "s")
#endif
#ifdef SYS_clock_adjtime
CALL(SYS_clock_adjtime, "clock_adjtime", "ip")
#endif
#ifdef SYS_clock_getres
CALL(SYS_clock_getres, "clock_getres", "ip")
#endif
#ifdef SYS_clock_gettime
CALL(SYS_clock_gettime, "clock_gettime", "ip")
#endif
#ifdef SYS_clock_nanosleep
CALL(SYS_clock_nanosleep, "clock_nanosleep", "iopp")
#endif
#ifdef SYS_clock_settime
CALL(SYS_clock_settime, "clock_settime", "ip")
#endif
#ifdef SYS_clone
CALL(SYS_clone, "clone", "oppii")
#endif
#ifdef SYS_clone3
CALL(SYS_clone3, "clone3", "pz")
#endif
#ifdef SYS_close
CALL(SYS_close, "close", "f")
#endif
#ifdef SYS_close_range
CALL(SYS_close_range, "close_range", "iio")
#endif
#ifdef SYS_connect
CALL(SYS_connect, "connect", "fpz")
#endif
#ifdef SYS_copy_file_range
CALL(SYS_copy_file_range, "copy_file_range", "fpfpzo")
#endif
#ifdef SYS_creat
CALL(SYS_creat, "creat", "so")
#endif
#ifdef SYS_dup
CALL(SYS_dup, "dup", "f")
#endif
#ifdef SYS_dup2
CALL(SYS_dup2, "dup2", "ff")
#endif
#ifdef SYS_dup3
CALL(SYS_dup3, "dup3", "ffo")
#endif
#ifdef SYS_epoll_create
CALL(SYS_epoll_create, "epoll_create", "z")
#endif
#ifdef SYS_epoll_create1
CALL(SYS_epoll_create1, "epoll_create1", "o")
#endif
#ifdef SYS_epoll_ctl
CALL(SYS_epoll_ctl, "epoll_ctl", "fifp")
#endif
#ifdef SYS_epoll_pwait
CALL(SYS_epoll_pwait, "epoll_pwait", "fpiipz")
#endif
#ifdef SYS_epoll_pwait2
CALL(SYS_epoll_pwait2, "epoll_pwait2", "fpippz")
#endif
#ifdef SYS_epoll_wait
CALL(SYS_epoll_wait, "epoll_wait", "fpii")
#endif
#ifdef SYS_eventfd
CALL(SYS_eventfd, "eventfd", "i")
#endif
#ifdef SYS_eventfd2
CALL(SYS_eventfd2, "eventfd2", "io")
#endif
#ifdef SYS_execve
CALL(SYS_execve, "execve", "spp")
#endif
#ifdef SYS_execveat
CALL(SYS_execveat, "execveat", "fsppo")
#endif
#ifdef SYS_exit
CALL(SYS_exit, "exit", "i")
#endif
#ifdef SYS_exit_group
CALL(SYS_exit_group, "exit_group", "i")
#endif
#ifdef SYS_faccessat
CALL(SYS_faccessat, "faccessat", "fsi")
#endif
#ifdef SYS_faccessat2
CALL(SYS_faccessat2, "faccessat2", "fsio")
#endif
#ifdef SYS_fadvise64
CALL(SYS_fadvise64, "fadvise64", "fizi")
#endif
#ifdef SYS_fallocate
CALL(SYS_fallocate, "fallocate", "foiz")
#endif
#ifdef SYS_fchdir
CALL(SYS_fchdir, "fchdir", "f")
#endif
#ifdef SYS_fchmod
CALL(SYS_fchmod, "fchmod", "fo")
#endif
#ifdef SYS_fchmodat
CALL(SYS_fchmodat, "fchmodat", "fso")
#endif
#ifdef SYS_fchmodat2
CALL(SYS_fchmodat2, "fchmodat2", "fsoo")
#endif
#ifdef SYS_fchown
CALL(SYS_fchown, "fchown", "fii")
#endif
#ifdef SYS_fchownat
CALL(SYS_fchownat, "fchownat", "fsiio")
#endif
#ifdef SYS_fcntl
CALL(SYS_fcntl, "fcntl", "fii")
#endif
#ifdef SYS_fdatasync
CALL(SYS_fdatasync, "fdatasync", "f")
#endif
#ifdef SYS_fgetxattr
CALL(SYS_fgetxattr, "fgetxattr", "fspz")
#endif
#ifdef SYS_flistxattr
CALL(SYS_flistxattr, "flistxattr", "fpz")
#endif
#ifdef SYS_flock
CALL(SYS_flock, "flock", "fi")
#endif
#ifdef SYS_fork
CALL(SYS_fork, "fork", "")
#endif
#ifdef SYS_fremovexattr
CALL(SYS_fremovexattr, "fremovexattr", "fs")
#endif
#ifdef SYS_fsetxattr
CALL(SYS_fsetxattr, "fsetxattr", "fspzo")
#endif
#ifdef SYS_fstat
CALL(SYS_fstat, "fstat", "fp")
#endif
#ifdef SYS_fstatfs
CALL(SYS_fstatfs, "fstatfs", "fp")
#endif
#ifdef SYS_fsync
CALL(SYS_fsync, "fsync", "f")
#endif
#ifdef SYS_ftruncate
CALL(SYS_ftruncate, "ftruncate", "fz")
#endif
#ifdef SYS_futex
CALL(SYS_futex, "futex", "poiipi")
#endif
#ifdef SYS_futex_waitv
CALL(SYS_futex_waitv, "futex_waitv", "pzopi")
#endif
#ifdef SYS_futimesat
CALL(SYS_futimesat, "futimesat", "fsp")
#endif
#ifdef SYS_get_robust_list
CALL(SYS_get_robust_list, "get_robust_list", "tpp")
#endif
#ifdef SYS_getcpu
CALL(SYS_getcpu, "getcpu", "ppp")
#endif
#ifdef SYS_getcwd
CALL(SYS_getcwd, "getcwd", "pz")
#endif
#ifdef SYS_getdents
CALL(SYS_getdents, "getdents", "fpz")
#endif
#ifdef SYS_getdents64
CALL(SYS_getdents64, "getdents64", "fpz")
#endif
#ifdef SYS_getegid
CALL(SYS_getegid, "getegid", "")
#endif
#ifdef SYS_geteuid
CALL(SYS_geteuid, "geteuid", "")
#endif
#ifdef SYS_getgid
CALL(SYS_getgid, "getgid", "")
#endif
#ifdef SYS_getgroups
CALL(SYS_getgroups, "getgroups", "ip")
#endif
#ifdef SYS_getitimer
CALL(SYS_getitimer, "getitimer", "ip")
#endif
#ifdef SYS_getpeername
CALL(SYS_getpeername, "getpeername", "fpp")
#endif
#ifdef SYS_getpgid
CALL(SYS_getpgid, "getpgid", "t")
#endif
#ifdef SYS_getpgrp
CALL(SYS_getpgrp, "getpgrp", "")
#endif
#ifdef SYS_getpid
CALL(SYS_getpid, "getpid", "")
#endif
#ifdef SYS_getppid
CALL(SYS_getppid, "getppid", "")
#endif
#ifdef SYS_getpriority
CALL(SYS_getpriority, "getpriority", "ii")
#endif
#ifdef SYS_getrandom
CALL(SYS_getrandom, "getrandom", "pzo")
#endif
#ifdef SYS_getresgid
CALL(SYS_getresgid, "getresgid", "ppp")
#endif
#ifdef SYS_getresuid
CALL(SYS_getresuid, "getresuid", "ppp")
#endif
#ifdef SYS_getrlimit
CALL(SYS_getrlimit, "getrlimit", "ip")
#endif
#ifdef SYS_getrusage
CALL(SYS_getrusage, "getrusage", "ip")
#endif
#ifdef SYS_getsid
CALL(SYS_getsid, "getsid", "t")
#endif
#ifdef SYS_getsockname
CALL(SYS_getsockname, "getsockname", "fpp")
#endif
#ifdef SYS_getsockopt
CALL(SYS_getsockopt, "getsockopt", "fiipp")
#endif
#ifdef SYS_gettid
CALL(SYS_gettid, "gettid", "")
#endif
#ifdef SYS_gettimeofday
CALL(SYS_gettimeofday, "gettimeofday", "pp")
#endif
#ifdef SYS_getuid
CALL(SYS_getuid, "getuid", "")
#endif
#ifdef SYS_getxattr
CALL(SYS_getxattr, "getxattr", "sspz")
#endif
#ifdef SYS_inotify_add_watch
CALL(SYS_inotify_add_watch, "inotify_add_watch", "fso")
#endif
#ifdef SYS_inotify_init
CALL(SYS_inotify_init, "inotify_init", "")
#endif
#ifdef SYS_inotify_init1
CALL(SYS_inotify_init1, "inotify_init1", "o")
#endif
#ifdef SYS_inotify_rm_watch
CALL(SYS_inotify_rm_watch, "inotify_rm_watch", "fi")
#endif
#ifdef SYS_ioctl
CALL(SYS_ioctl, "ioctl", "fop")
#endif
#ifdef SYS_ioprio_get
CALL(SYS_ioprio_get, "ioprio_get", "ii")
#endif
#ifdef SYS_ioprio_set
CALL(SYS_ioprio_set, "ioprio_set", "iii")
#endif
#ifdef SYS_kcmp
CALL(SYS_kcmp, "kcmp", "iiiii")
#endif
#ifdef SYS_kill
CALL(SYS_kill, "kill", "tg")
#endif
#ifdef SYS_lchown
CALL(SYS_lchown, "lchown", "sii")
#endif
#ifdef SYS_lgetxattr
CALL(SYS_lgetxattr, "lgetxattr", "sspz")
#endif
#ifdef SYS_link
CALL(SYS_link, "link", "ss")
#endif
#ifdef SYS_linkat
CALL(SYS_linkat, "linkat", "fsfso")
#endif
#ifdef SYS_listen
CALL(SYS_listen, "listen", "fi")
#endif
#ifdef SYS_listxattr
CALL(SYS_listxattr, "listxattr", "spz")
#endif
#ifdef SYS_llistxattr
CALL(SYS_llistxattr, "llistxattr", "spz")
#endif
#ifdef SYS_lremovexattr
CALL(SYS_lremovexattr, "lremovexattr", "ss")
#endif
#ifdef SYS_lseek
CALL(SYS_lseek, "lseek", "fii")
#endif
#ifdef SYS_lsetxattr
CALL(SYS_lsetxattr, "lsetxattr", "sspzo")
#endif
#ifdef SYS_lstat
CALL(SYS_lstat, "lstat", "sp")
#endif
#ifdef SYS_madvise
CALL(SYS_madvise, "madvise", "pzi")
#endif
#ifdef SYS_membarrier
CALL(SYS_membarrier, "membarrier", "ioi")
#endif
#ifdef SYS_memfd_create
CALL(SYS_memfd_create, "memfd_create", "so")
#endif
#ifdef SYS_mincore
CALL(SYS_mincore, "mincore", "pzp")
#endif
#ifdef SYS_mkdir
CALL(SYS_mkdir, "mkdir", "so")
#endif
#ifdef SYS_mkdirat
CALL(SYS_mkdirat, "mkdirat", "fso")
#endif
#ifdef SYS_mknod
CALL(SYS_mknod, "mknod", "soi")
#endif
#ifdef SYS_mknodat
CALL(SYS_mknodat, "mknodat", "fsoi")
#endif
#ifdef SYS_mlock
CALL(SYS_mlock, "mlock", "pz")
#endif
#ifdef SYS_mlock2
CALL(SYS_mlock2, "mlock2", "pzo")
#endif
#ifdef SYS_mlockall
CALL(SYS_mlockall, "mlockall", "o")
#endif
#ifdef SYS_mmap
CALL(SYS_mmap, "mmap", "pzoofi")
#endif
#ifdef SYS_mount
CALL(SYS_mount, "mount", "sssop")
#endif
#ifdef SYS_mprotect
CALL(SYS_mprotect, "mprotect", "pzo")
#endif
#ifdef SYS_mq_getsetattr
CALL(SYS_mq_getsetattr, "mq_getsetattr", "fpp")
#endif
#ifdef SYS_mq_notify
CALL(SYS_mq_notify, "mq_notify", "fp")
#endif
#ifdef SYS_mq_open
CALL(SYS_mq_open, "mq_open", "soop")
#endif
#ifdef SYS_mq_timedreceive
CALL(SYS_mq_timedreceive, "mq_timedreceive", "fpzpp")
#endif
#ifdef SYS_mq_timedsend
CALL(SYS_mq_timedsend, "mq_timedsend", "fpzip")
#endif
#ifdef SYS_mq_unlink
CALL(SYS_mq_unlink, "mq_unlink", "s")
#endif
#ifdef SYS_mremap
CALL(SYS_mremap, "mremap", "pzzop")
#endif
#ifdef SYS_msgctl
CALL(SYS_msgctl, "msgctl", "iip")
#endif
#ifdef SYS_msgget
CALL(SYS_msgget, "msgget", "io")
#endif
#ifdef SYS_msgrcv
CALL(SYS_msgrcv, "msgrcv", "ipzio")
#endif
#ifdef SYS_msgsnd
CALL(SYS_msgsnd, "msgsnd", "ipzo")
#endif
#ifdef SYS_msync
CALL(SYS_msync, "msync", "pzo")
#endif
#ifdef SYS_munlock
CALL(SYS_munlock, "munlock", "pz")
#endif
#ifdef SYS_munlockall
CALL(SYS_munlockall, "munlockall", "")
#endif
#ifdef SYS_munmap
CALL(SYS_munmap, "munmap", "pz")
#endif
#ifdef SYS_name_to_handle_at
CALL(SYS_name_to_handle_at, "name_to_handle_at", "fsppo")
#endif
#ifdef SYS_nanosleep
CALL(SYS_nanosleep, "nanosleep", "pp")
#endif
#ifdef SYS_newfstatat
CALL(SYS_newfstatat, "newfstatat", "fspo")
#endif
#ifdef SYS_open
CALL(SYS_open, "open", "soo")
#endif
#ifdef SYS_open_by_handle_at
CALL(SYS_open_by_handle_at, "open_by_handle_at", "fpo")
#endif
#ifdef SYS_openat
CALL(SYS_openat, "openat", "fsoo")
#endif
#ifdef SYS_openat2
CALL(SYS_openat2, "openat2", "fspz")
#endif
#ifdef SYS_pause
CALL(SYS_pause, "pause", "")
#endif
#ifdef SYS_personality
CALL(SYS_personality, "personality", "o")
#endif
#ifdef SYS_pidfd_getfd
CALL(SYS_pidfd_getfd, "pidfd_getfd", "ffo")
#endif
#ifdef SYS_pidfd_open
CALL(SYS_pidfd_open, "pidfd_open", "to")
#endif
#ifdef SYS_pidfd_send_signal
CALL(SYS_pidfd_send_signal, "pidfd_send_signal", "fgpo")
#endif
#ifdef SYS_pipe
CALL(SYS_pipe, "pipe", "p")
#endif
#ifdef SYS_pipe2
CALL(SYS_pipe2, "pipe2", "po")
#endif
#ifdef SYS_poll
CALL(SYS_poll, "poll", "pzi")
#endif
#ifdef SYS_ppoll
CALL(SYS_ppoll, "ppoll", "pzppz")
#endif
#ifdef SYS_prctl
CALL(SYS_prctl, "prctl", "iiiii")
#endif
#ifdef SYS_pread64
CALL(SYS_pread64, "pread64", "fpzi")
#endif
#ifdef SYS_preadv
CALL(SYS_preadv, "preadv", "fpzi")
#endif
#ifdef SYS_preadv2
CALL(SYS_preadv2, "preadv2", "fpziio")
#endif
#ifdef SYS_prlimit64
CALL(SYS_prlimit64, "prlimit64", "tipp")
#endif
#ifdef SYS_process_madvise
CALL(SYS_process_madvise, "process_madvise", "fpzio")
#endif
#ifdef SYS_process_vm_readv
CALL(SYS_process_vm_readv, "process_vm_readv", "tpzpzo")
#endif
#ifdef SYS_process_vm_writev
CALL(SYS_process_vm_writev, "process_vm_writev", "tpzpzo")
#endif
#ifdef SYS_pselect6
CALL(SYS_pselect6, "pselect6", "zppppp")
#endif
#ifdef SYS_ptrace
CALL(SYS_ptrace, "ptrace", "itoo")
#endif
#ifdef SYS_pwrite64
CALL(SYS_pwrite64, "pwrite64", "fpzi")
#endif
#ifdef SYS_pwritev
CALL(SYS_pwritev, "pwritev", "fpzi")
#endif
#ifdef SYS_pwritev2
CALL(SYS_pwritev2, "pwritev2", "fpziio")
#endif
#ifdef SYS_read
CALL(SYS_read, "read", "fpz")
#endif
#ifdef SYS_readahead
CALL(SYS_readahead, "readahead", "fiz")
#endif
#ifdef SYS_readlink
CALL(SYS_readlink, "readlink", "spz")
#endif
#ifdef SYS_readlinkat
CALL(SYS_readlinkat, "readlinkat", "fspz")
#endif
#ifdef SYS_readv
CALL(SYS_readv, "readv", "fpz")
#endif
#ifdef SYS_reboot
CALL(SYS_reboot, "reboot", "iiio")
#endif
#ifdef SYS_recvfrom
CALL(SYS_recvfrom, "recvfrom", "fpzopp")
#endif
#ifdef SYS_recvmmsg
CALL(SYS_recvmmsg, "recvmmsg", "fpzop")
#endif
#ifdef SYS_recvmsg
CALL(SYS_recvmsg, "recvmsg", "fpo")
#endif
#ifdef SYS_removexattr
CALL(SYS_removexattr, "removexattr", "ss")
#endif
#ifdef SYS_rename
CALL(SYS_rename, "rename", "ss")
#endif
#ifdef SYS_renameat
CALL(SYS_renameat, "renameat", "fsfs")
#endif
#ifdef SYS_renameat2
CALL(SYS_renameat2, "renameat2", "fsfso")
#endif
#ifdef SYS_restart_syscall
CALL(SYS_restart_syscall, "restart_syscall", "")
#endif
#ifdef SYS_rmdir
CALL(SYS_rmdir, "rmdir", "s")
#endif
#ifdef SYS_rseq
CALL(SYS_rseq, "rseq", "pzoi")
#endif
#ifdef SYS_rt_sigaction
CALL(SYS_rt_sigaction, "rt_sigaction", "gppz")
#endif
#ifdef SYS_rt_sigpending
CALL(SYS_rt_sigpending, "rt_sigpending", "pz")
#endif
#ifdef SYS_rt_sigprocmask
CALL(SYS_rt_sigprocmask, "rt_sigprocmask", "ippz")
#endif
#ifdef SYS_rt_sigqueueinfo
CALL(SYS_rt_sigqueueinfo, "rt_sigqueueinfo", "tgp")
#endif
#ifdef SYS_rt_sigreturn
CALL(SYS_rt_sigreturn, "rt_sigreturn", "")
#endif
#ifdef SYS_rt_sigsuspend
CALL(SYS_rt_sigsuspend, "rt_sigsuspend", "pz")
#endif
#ifdef SYS_rt_sigtimedwait
CALL(SYS_rt_sigtimedwait, "rt_sigtimedwait", "pppz")
#endif
#ifdef SYS_rt_tgsigqueueinfo
CALL(SYS_rt_tgsigqueueinfo, "rt_tgsigqueueinfo", "ttgp")
#endif
#ifdef SYS_sched_get_priority_max
CALL(SYS_sched_get_priority_max, "sched_get_priority_max", "i")
#endif
#ifdef SYS_sched_get_priority_min
CALL(SYS_sched_get_priority_min, "sched_get_priority_min", "i")
#endif
#ifdef SYS_sched_getaffinity
CALL(SYS_sched_getaffinity, "sched_getaffinity", "tzp")
#endif
#ifdef SYS_sched_getattr
CALL(SYS_sched_getattr, "sched_getattr", "tpzo")
#endif
#ifdef SYS_sched_getparam
CALL(SYS_sched_getparam, "sched_getparam", "tp")
#endif
#ifdef SYS_sched_getscheduler
CALL(SYS_sched_getscheduler, "sched_getscheduler", "t")
#endif
#ifdef SYS_sched_rr_get_interval
CALL(SYS_sched_rr_get_interval, "sched_rr_get_interval", "tp")
#endif
#ifdef SYS_sched_setaffinity
CALL(SYS_sched_setaffinity, "sched_setaffinity", "tzp")
#endif
#ifdef SYS_sched_setattr
CALL(SYS_sched_setattr, "sched_setattr", "tpo")
#endif
#ifdef SYS_sched_setparam
CALL(SYS_sched_setparam, "sched_setparam", "tp")
#endif
#ifdef SYS_sched_setscheduler
CALL(SYS_sched_setscheduler, "sched_setscheduler", "tip")
#endif
#ifdef SYS_sched_yield
CALL(SYS_sched_yield, "sched_yield", "")
#endif
#ifdef SYS_select
CALL(SYS_select, "select", "zpppp")
#endif
#ifdef SYS_semctl
CALL(SYS_semctl, "semctl", "iiii")
#endif
#ifdef SYS_semget
CALL(SYS_semget, "semget", "izo")
#endif
#ifdef SYS_semop
CALL(SYS_semop, "semop", "ipz")
#endif
#ifdef SYS_semtimedop
CALL(SYS_semtimedop, "semtimedop", "ipzp")
#endif
#ifdef SYS_sendfile
CALL(SYS_sendfile, "sendfile", "ffpz")
#endif
#ifdef SYS_sendmmsg
CALL(SYS_sendmmsg, "sendmmsg", "fpzo")
#endif
#ifdef SYS_sendmsg
CALL(SYS_sendmsg, "sendmsg", "fpo")
#endif
#ifdef SYS_sendto
CALL(SYS_sendto, "sendto", "fpzopz")
#endif
#ifdef SYS_set_robust_list
CALL(SYS_set_robust_list, "set_robust_list", "pz")
#endif
#ifdef SYS_set_tid_address
CALL(SYS_set_tid_address, "set_tid_address", "p")
#endif
#ifdef SYS_setdomainname
CALL(SYS_setdomainname, "setdomainname", "pz")
#endif
#ifdef SYS_setfsgid
CALL(SYS_setfsgid, "setfsgid", "i")
#endif
#ifdef SYS_setfsuid
CALL(SYS_setfsuid, "setfsuid", "i")
#endif
#ifdef SYS_setgid
CALL(SYS_setgid, "setgid", "i")
#endif
#ifdef SYS_setgroups
CALL(SYS_setgroups, "setgroups", "zp")
#endif
#ifdef SYS_sethostname
CALL(SYS_sethostname, "sethostname", "pz")
#endif
#ifdef SYS_setitimer
CALL(SYS_setitimer, "setitimer", "ipp")
#endif
#ifdef SYS_setpgid
CALL(SYS_setpgid, "setpgid", "tt")
#endif
#ifdef SYS_setpriority
CALL(SYS_setpriority, "setpriority", "iii")
#endif
#ifdef SYS_setregid
CALL(SYS_setregid, "setregid", "ii")
#endif
#ifdef SYS_setresgid
CALL(SYS_setresgid, "setresgid", "iii")
#endif
#ifdef SYS_setresuid
CALL(SYS_setresuid, "setresuid", "iii")
#endif
#ifdef SYS_setreuid
CALL(SYS_setreuid, "setreuid", "ii")
#endif
#ifdef SYS_setrlimit
CALL(SYS_setrlimit, "setrlimit", "ip")
#endif
#ifdef SYS_setsid
CALL(SYS_setsid, "setsid", "")
#endif
#ifdef SYS_setsockopt
CALL(SYS_setsockopt, "setsockopt", "fiipz")
#endif
#ifdef SYS_settimeofday
CALL(SYS_settimeofday, "settimeofday", "pp")
#endif
#ifdef SYS_setuid
CALL(SYS_setuid, "setuid", "i")
#endif
#ifdef SYS_setxattr
CALL(SYS_setxattr, "setxattr", "sspzo")
#endif
#ifdef SYS_shmat
CALL(SYS_shmat, "shmat", "ipo")
#endif
#ifdef SYS_shmctl
CALL(SYS_shmctl, "shmctl", "iip")
#endif
#ifdef SYS_shmdt
CALL(SYS_shmdt, "shmdt", "p")
#endif
#ifdef SYS_shmget
CALL(SYS_shmget, "shmget", "izo")
#endif
#ifdef SYS_shutdown
CALL(SYS_shutdown, "shutdown", "fi")
#endif
#ifdef SYS_sigaltstack
CALL(SYS_sigaltstack, "sigaltstack", "pp")
#endif
#ifdef SYS_signalfd
CALL(SYS_signalfd, "signalfd", "fpz")
#endif
#ifdef SYS_signalfd4
CALL(SYS_signalfd4, "signalfd4", "fpzo")
#endif
#ifdef SYS_socket
CALL(SYS_socket, "socket", "ioi")
#endif
#ifdef SYS_socketpair
CALL(SYS_socketpair, "socketpair", "ioip")
#endif
#ifdef SYS_splice
CALL(SYS_splice, "splice", "fpfpzo")
#endif
#ifdef SYS_stat
CALL(SYS_stat, "stat", "sp")
#endif
#ifdef SYS_statfs
CALL(SYS_statfs, "statfs", "sp")
#endif
#ifdef SYS_statx
CALL(SYS_statx, "statx", "fsoip")
#endif
#ifdef SYS_symlink
CALL(SYS_symlink, "symlink", "ss")
#endif
#ifdef SYS_symlinkat
CALL(SYS_symlinkat, "symlinkat", "sfs")
#endif
#ifdef SYS_sync
CALL(SYS_sync, "sync", "")
#endif
#ifdef SYS_sync_file_range
CALL(SYS_sync_file_range, "sync_file_range", "fizo")
#endif
#ifdef SYS_syncfs
CALL(SYS_syncfs, "syncfs", "f")
#endif
#ifdef SYS_sysinfo
CALL(SYS_sysinfo, "sysinfo", "p")
#endif
#ifdef SYS_syslog
CALL(SYS_syslog, "syslog", "ipz")
#endif
#ifdef SYS_tee
CALL(SYS_tee, "tee", "ffzo")
#endif
#ifdef SYS_tgkill
CALL(SYS_tgkill, "tgkill", "ttg")
#endif
#ifdef SYS_time
CALL(SYS_time, "time", "p")
#endif
#ifdef SYS_timer_create
CALL(SYS_timer_create, "timer_create", "ipp")
#endif
#ifdef SYS_timer_delete
CALL(SYS_timer_delete, "timer_delete", "i")
#endif
#ifdef SYS_timer_getoverrun
CALL(SYS_timer_getoverrun, "timer_getoverrun", "i")
#endif
#ifdef SYS_timer_gettime
CALL(SYS_timer_gettime, "timer_gettime", "ip")
#endif
#ifdef SYS_timer_settime
CALL(SYS_timer_settime, "timer_settime", "iopp")
#endif
#ifdef SYS_timerfd_create
CALL(SYS_timerfd_create, "timerfd_create", "io")
#endif
#ifdef SYS_timerfd_gettime
CALL(SYS_timerfd_gettime, "timerfd_gettime", "fp")
#endif
#ifdef SYS_timerfd_settime
CALL(SYS_timerfd_settime, "timerfd_settime", "fopp")
#endif
#ifdef SYS_times
CALL(SYS_times, "times", "p")
#endif
#ifdef SYS_tkill
CALL(SYS_tkill, "tkill", "tg")
#endif
#ifdef SYS_truncate
CALL(SYS_truncate, "truncate", "sz")
#endif
#ifdef SYS_umask
CALL(SYS_umask, "umask", "o")
#endif
#ifdef SYS_umount2
CALL(SYS_umount2, "umount2", "so")
#endif
#ifdef SYS_uname
CALL(SYS_uname, "uname", "p")
#endif
#ifdef SYS_unlink
CALL(SYS_unlink, "unlink", "s")
#endif
#ifdef SYS_unlinkat
CALL(SYS_unlinkat, "unlinkat", "fso")
#endif
#ifdef SYS_unshare
CALL(SYS_unshare, "unshare", "o")
#endif
#ifdef SYS_utime
CALL(SYS_utime, "utime", "sp")
#endif
#ifdef SYS_utimensat
CALL(SYS_utimensat, "utimensat", "fspo")
#endif
#ifdef SYS_utimes
CALL(SYS_utimes, "utimes", "sp")
#endif
#ifdef SYS_vfork
CALL(SYS_vfork, "vfork", "")
#endif
#ifdef SYS_vhangup
CALL(SYS_vhangup, "vhangup", "")
#endif
#ifdef SYS_vmsplice
CALL(SYS_vmsplice, "vmsplice", "fpzo")
#endif
#ifdef SYS_wait4
CALL(SYS_wait4, "wait4", "tpop")
#endif
#ifdef SYS_waitid
CALL(SYS_waitid, "waitid", "iipop")
#endif
#ifdef SYS_write
CALL(SYS_write, "write", "fpz")
#endif
#ifdef SYS_writev
CALL(SYS_writev, "writev", "fpz")
#endif
